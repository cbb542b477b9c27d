namespace KmsSidecar.Options;

/// <summary>What somebody gave for a setting.</summary>
/// <param name="Source">The whole of it as it was given, with its place: <c>--region x</c>, <c>KMS_SIDECAR_REGION=x</c>, or
/// <c>/etc/kms-sidecar/kms-sidecar.conf, line 3: region = x</c>. Faults begin with it.</param>
/// <param name="IsCredential">Nobody gave it, but systemd passed a credential of its name.</param>
internal readonly record struct OptionValue(string Text, string Source, bool IsCredential = false);
