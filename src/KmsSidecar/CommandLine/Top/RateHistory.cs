namespace KmsSidecar.CommandLine.Top;

/// <summary>The rates of the last minutes: of all requests, and of each operation.</summary>
internal sealed class RateHistory
{
    /// <summary>The widest terminal has fewer columns.</summary>
    private const int Length = 500;
    private const string All = "";

    private readonly Dictionary<string, List<double>> _rates = [];

    public IReadOnlyList<double> Total => Of(All);

    public IReadOnlyList<double> Of(string operation) => _rates.GetValueOrDefault(operation, []);

    public void Add(TopView view)
    {
        Add(All, view.Rate);
        foreach (OperationRow row in view.Operations)
        {
            Add(row.Name, row.Rate);
        }
    }

    private void Add(string name, double rate)
    {
        if (!_rates.TryGetValue(name, out List<double>? rates))
        {
            _rates[name] = rates = [];
        }

        rates.Add(rate);
        if (rates.Count > Length)
        {
            rates.RemoveAt(0);
        }
    }
}
