namespace KmsSidecar.Observability;

internal enum MetricType
{
    Counter,
    Gauge,
    Histogram,
}
