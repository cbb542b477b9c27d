using System.Collections.Immutable;
using System.Text;

namespace KmsSidecar.Access.Policies;

/// <summary>The policies that are always there, under RustFS's names and with its actions. They cannot be changed.</summary>
internal static class CannedPolicies
{
    public static readonly ImmutableArray<NamedPolicy> All =
    [
        // Not Configure (so no making of keys), not Backup, and no use of keys.
        Make(
            "KMSKeyAdministrator",
            """
            {"Statement":{"Effect":"Allow","Action":["kms:DescribeKey","kms:ListKeys","kms:EnableKey","kms:DisableKey","kms:RotateKey","kms:DeleteKey"]}}
            """),
        Make("KMSKeyUser", """{"Statement":{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt","kms:DescribeKey"]}}"""),
        Make("KMSAuditor", """{"Statement":{"Effect":"Allow","Action":["kms:DescribeKey","kms:ListKeys"]}}"""),
        Make(
            "consoleAdmin",
            """
            {"Statement":[
              {"Effect":"Allow","Action":"admin:*"},
              {"Effect":"Allow","Action":"kms:*"},
              {"Effect":"Allow","Action":"s3:*"},
              {"Effect":"Allow","Action":"sts:AssumeRole"}]}
            """),
    ];

    /// <summary>Null when there is none of that name.</summary>
    public static NamedPolicy? Find(string name) => All.FirstOrDefault(policy => policy.Name == name);

    private static NamedPolicy Make(string name, string json) => new(name, PolicyDocument.Parse(Encoding.UTF8.GetBytes(json)));
}
