namespace KmsSidecar.Observability;

/// <summary>Ids of log events. Append-only: an id is never reused or given another meaning. One range per folder.</summary>
internal static class EventIds
{
    // Hosting: 1000
    public const int Listening = 1000;
    public const int NoCredentials = 1001;
    public const int MasterKeyGenerated = 1002;
    public const int StaleSocketRemoved = 1003;
    public const int CredentialsReloaded = 1004;
    public const int ReloadFailed = 1005;
    public const int Stopping = 1006;
    public const int DerivedKeyNotKept = 1007;
    public const int CertificateInUse = 1008;
    public const int CertificateNotTaken = 1009;
    public const int CertificateEnding = 1010;
    public const int CertificateRenewed = 1011;
    public const int RenewalFailed = 1012;
    public const int HandshakeFailed = 1013;
    public const int CertificateEnded = 1014;
    public const int WatchdogHeldBack = 1020;
    public const int WatchdogRecovered = 1021;
    public const int RestartNeeded = 1022;
    public const int LogLevelChanged = 1023;
    public const int MemoryNotProtected = 1024;
    public const int EventsLost = 1025;
    public const int MemoryNotProtectedInDevelopment = 1026;

    // Api: 2000
    public const int CallerRefused = 2000;
    public const int RequestFailed = 2001;
    public const int OperationFailed = 2002;
    public const int SignatureRefused = 2003;
    public const int AccessDenied = 2004;
    public const int ClockJumped = 2005;
    public const int ConnectionFailed = 2006;

    // Access: 3000
    public const int UserFileDamaged = 3000;
    public const int PolicyMissing = 3001;
    public const int UserChanged = 3002;
    public const int PolicyChanged = 3003;
    public const int SessionIssued = 3004;

    // Lifecycle: 4000
    public const int ConfigurationChanged = 4000;
    public const int ServiceStarted = 4001;
    public const int ServiceStopped = 4002;
    public const int ServiceRestored = 4003;
    public const int StartFailed = 4004;
    public const int DefaultKeyCreated = 4005;
    public const int StateFileDamaged = 4007;
    public const int KeyUnreadable = 4008;
    public const int BackendUnreachable = 4009;
    public const int BackendNotice = 4010;
    public const int RetryFailed = 4011;
    public const int BackendReachable = 4012;
    public const int LastUsesNotStored = 4013;

    // Operations: 5000; an event that moved keeps its id
    public const int KeyCreated = 4006;
    public const int KeyEnabled = 5000;
    public const int KeyDisabled = 5001;
    public const int KeyDeletionScheduled = 5002;
    public const int KeyDeletionCancelled = 5003;
    public const int KeyDescribed = 5004;
    public const int KeyTagged = 5005;
    public const int KeyUntagged = 5006;
    public const int KeyRotated = 5007;
    public const int KeyDestroyed = 5008;
    public const int SweepDestroying = 5009;
    public const int SweepDestroyed = 5010;
    public const int SweepFailed = 5011;
    public const int SweepBlocked = 5012;
    public const int SweepPutOff = 5013;
    public const int SweepEnded = 5014;
    public const int SweepOnProbation = 5015;

    // RustFs: 6000
    public const int RustFsFollows = 6000;
    public const int RustFsDoesNotFollow = 6001;
    public const int FollowingFailed = 6002;

    // Vault: 7000
    public const int VaultLoggedIn = 7000;
    public const int VaultTokenRenewed = 7001;
    public const int VaultCredentialsFailed = 7002;
    public const int VaultTokenDead = 7003;
    public const int VaultTokenEnds = 7004;
    public const int VaultCircuitOpened = 7005;
    public const int VaultCircuitClosed = 7006;
    public const int VaultTlsFilesTaken = 7007;
    public const int VaultTlsFilesNotTaken = 7008;
    public const int VaultNotVerified = 7009;
    public const int VaultNotRevoked = 7010;
    public const int VaultUpkeepFailed = 7011;

    // Audit: 8000
    public const int AuditOpened = 8000;
    public const int AuditFailing = 8001;
    public const int AuditRecovered = 8002;
    public const int AuditCut = 8003;
    public const int AuditFileGone = 8004;
    public const int AuditSigned = 8005;
    public const int AuditRemoved = 8006;
    public const int AuditHeadNotKept = 8007;
}
