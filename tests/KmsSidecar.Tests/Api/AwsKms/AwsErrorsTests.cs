using System.Reflection;
using KmsSidecar.Api;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>Which failures RustFS retries, and so counts towards the half minute in which it asks for nothing.</summary>
public sealed class AwsErrorsTests
{
    /// <summary>RustFS's list, as far as its codes are used here.</summary>
    private static readonly AwsErrorCode[] Retried =
    [
        AwsErrorCode.ThrottlingException, AwsErrorCode.KMSInternalException, AwsErrorCode.DependencyTimeoutException, AwsErrorCode.KeyUnavailableException,
    ];

    [Fact]
    public void OnlyWhatMayPassByItself_IsRetried() => Assert.Equal(
        [KmsError.BackendUnavailable, KmsError.BackendTimeout, KmsError.Internal],
        Enum.GetValues<KmsError>().Where(static error => Retried.Contains(AwsErrors.Describe(error))));

    [Fact]
    public void NoRefusedSignature_IsRetried_ButThoseThatAreTooMany() => Assert.Equal(
        [nameof(AuthFailure.SlowDown)],
        typeof(AuthFailure).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(static field => Retried.Contains(AwsErrors.Describe((AuthFailure)field.GetValue(null)!)))
            .Select(static field => field.Name));

    [Fact]
    public void EveryStatus_SaysTheSameAsItsCode() => Assert.All(Enum.GetValues<AwsErrorCode>(), static code =>
    {
        using Call call = new();
        AwsErrors.Write(call, code, "m");
        Assert.Equal(Retried.Contains(code) && code != AwsErrorCode.ThrottlingException, call.Status >= 500);
    });
}
