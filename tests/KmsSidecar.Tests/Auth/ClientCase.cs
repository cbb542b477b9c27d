using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>One row of a table of requests.</summary>
internal sealed record ClientCase(int Number, string Name, Func<ClientRequest> Make)
{
    public static TheoryData<int, string> Rows(IEnumerable<ClientCase> cases)
    {
        TheoryData<int, string> rows = [];
        foreach (ClientCase item in cases)
        {
            rows.Add(item.Number, item.Name);
        }

        return rows;
    }

    public static ClientRequest Find(IEnumerable<ClientCase> cases, int number, string name) =>
        cases.Single(item => item.Number == number && item.Name == name).Make();
}
