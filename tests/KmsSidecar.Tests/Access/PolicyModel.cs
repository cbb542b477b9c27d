using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using KmsSidecar.Access;

namespace KmsSidecar.Tests.Access;

/// <summary>Policies as plain data, and a second evaluator over it that is written for being obviously right: sets of actions, regular
/// expressions, no early end.</summary>
internal sealed record PolicyModel(IReadOnlyList<PolicyModel.Statement> Statements)
{
    public static readonly string[] Actions = ["kms:Decrypt", "kms:DescribeKey", "kms:ListKeys", "kms:Configure", "kms:Backup", "sts:AssumeRole", "admin:ServerInfo"];

    private static readonly string[] Families = ["kms:", "sts:", "admin:"];

    private static readonly string[] Patterns = ["a", "b", "a*", "*b", "a?", "?", "*", "a*b*a", "payroll-1", "payroll-*"];

    public static readonly Gen<string> KeyIds = Gen.OneOf("a", "b", "ab", "ba", "abba", "payroll-1", "payroll-2", "x");

    private static readonly Gen<Statement> KmsStatements = Gen.Select(
        Gen.Bool,
        Gen.OneOf("kms:*", "kms:Decrypt", "kms:DescribeKey", "kms:ListKeys", "kms:Configure", "kms:Backup").Array[1, 3],
        Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true))),
        Gen.OneOf(Gen.Const(Array.Empty<string>()), Gen.OneOf(Patterns).Array[1, 3]),
        Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true))),
        Gen.OneOf<string?>(null, null, null, "alice", "bob"),
        static (allows, actions, exceptActions, keys, exceptKeys, user) =>
            new Statement(allows, actions, exceptActions, keys, exceptKeys && keys.Length > 0, user));

    private static readonly Gen<Statement> OtherStatements = Gen.Select(
        Gen.Bool,
        Gen.OneOf("sts:AssumeRole", "admin:*", "admin:ServerInfo", "s3:*", "*"),
        static (allows, action) => new Statement(allows, [action], ExceptActions: false, Keys: [], ExceptKeys: false, User: null));

    public static readonly Gen<PolicyModel> Any =
        Gen.Frequency((4, KmsStatements), (1, OtherStatements)).Array[1, 5].Select(static statements => new PolicyModel(statements));

    public static readonly Gen<AccessRequest> Requests = Gen.Select(
        Gen.OneOf(Actions),
        Gen.OneOf(Gen.Const((string?)null), KeyIds.Select(static id => (string?)id)),
        Gen.OneOf("alice", "bob", "carol"),
        static (action, keyId, user) => PolicyCases.Request(action, keyId, user));

    public string ToJson() => JsonSerializer.Serialize(new { Version = "2012-10-17", Statement = Statements.Select(static statement => statement.ToMembers()) });

    /// <summary>True for allowed, false for denied by a statement, null for neither.</summary>
    public static bool? Judge(IEnumerable<PolicyModel> policies, AccessRequest request)
    {
        Statement[] applying = [.. policies.SelectMany(static policy => policy.Statements).Where(statement => statement.Applies(request))];
        return applying.Any(static statement => !statement.Allows) ? false : applying.Length > 0 ? true : null;
    }

    internal sealed record Statement(bool Allows, string[] Actions, bool ExceptActions, string[] Keys, bool ExceptKeys, string? User)
    {
        public bool Applies(AccessRequest request)
        {
            HashSet<string> listed = [.. PolicyModel.Actions.Where(action => Actions.Any(granted => IsUnder(granted, action)))];
            HashSet<string> covered = ExceptActions
                ? [.. PolicyModel.Actions.Except(listed).Where(action => !Allows || action.StartsWith("kms:"))]
                : listed;
            bool isAboutAllKeys = request.Action == "kms:Backup" && Allows && Keys.Length > 0;
            bool isKey = Keys.Length == 0 || request.KeyId is null || Keys.Any(pattern => IsLike(pattern, request.KeyId)) != ExceptKeys;
            return covered.Contains(request.Action) && isKey && !isAboutAllKeys && (User is null || User == request.UserName);
        }

        public Dictionary<string, object> ToMembers()
        {
            Dictionary<string, object> members = new()
            {
                ["Effect"] = Allows ? "Allow" : "Deny",
                [ExceptActions ? "NotAction" : "Action"] = Actions,
            };
            if (Keys.Length > 0)
            {
                members[ExceptKeys ? "NotResource" : "Resource"] = Keys.Select(static key => $"arn:aws:kms:::key/{key}");
            }

            if (User is not null)
            {
                members["Condition"] = new { StringEquals = new Dictionary<string, string> { ["aws:username"] = User } };
            }

            return members;
        }

        private static bool IsUnder(string granted, string action) =>
            granted == action || Families.Any(family => granted == $"{family}*" && action.StartsWith(family));

        private static bool IsLike(string pattern, string text) =>
            Regex.IsMatch(text, $"^{Regex.Escape(pattern).Replace(@"\*", ".*").Replace(@"\?", ".")}$", RegexOptions.Singleline);
    }
}
