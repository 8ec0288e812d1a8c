"""Which options systemd knows in which section of a unit, and what kind of value each takes.

Options that are only of old releases (2013 on) and those of new ones (up to 257) are listed alike: a unit may be for
either. Source: systemd.directives(7) and its manual pages; `systemd --dump-configuration-items`; the NEWS of systemd.
"""

from functools import lru_cache

from provision.schema.rules.systemd import UNIT_TYPES

# Options by the kind of their values, for `values.fault_of`. `any` is not checked.
Group = dict[str, str]

CONDITIONS = (
    "PathExists PathExistsGlob PathIsDirectory PathIsSymbolicLink PathIsMountPoint PathIsReadWrite PathIsEncrypted"
    " DirectoryNotEmpty FileNotEmpty FileIsExecutable",
    "NeedsUpdate FirstBoot Architecture Firmware Virtualization Host KernelCommandLine KernelVersion Version Credential"
    " Security Capability ACPower Memory CPUFeature CPUs Environment User Group ControlGroupController OSRelease"
    " MemoryPressure CPUPressure IOPressure KernelModuleLoaded",
)
UNIT: Group = {
    "units": "Requires Requisite Wants BindsTo BindTo Upholds Conflicts Before After OnSuccess OnFailure PartOf"
    " PropagatesReloadTo PropagateReloadTo ReloadPropagatedFrom PropagateReloadFrom PropagatesStopTo StopPropagatedFrom"
    " JoinsNamespaceOf RequiresOverridable RequisiteOverridable",
    "paths": "RequiresMountsFor WantsMountsFor",
    "boolean": "StopWhenUnneeded RefuseManualStart RefuseManualStop AllowIsolate DefaultDependencies OnFailureIsolate"
    " IgnoreOnIsolate IgnoreOnSnapshot SurviveFinalKillSignal",
    "seconds": "JobTimeoutSec JobRunningTimeoutSec StartLimitIntervalSec StartLimitInterval",
    "number": "StartLimitBurst",
    "action": "JobTimeoutAction StartLimitAction FailureAction SuccessAction",
    "condition-path": " ".join(
        f"{prefix}{name}" for prefix in ("Condition", "Assert") for name in CONDITIONS[0].split()
    ),
    "documentation": "Documentation",
    "collect": "CollectMode",
    "any": "Description SourcePath Names OnSuccessJobMode OnFailureJobMode JobTimeoutRebootArgument"
    " FailureActionExitStatus SuccessActionExitStatus RebootArgument ConditionNull AssertNull "
    + " ".join(f"{prefix}{name}" for prefix in ("Condition", "Assert") for name in CONDITIONS[1].split()),
}
INSTALL: Group = {"units": "Alias WantedBy RequiredBy UpheldBy Also", "any": "DefaultInstance"}
RESOURCES: Group = {
    "boolean": "CPUAccounting MemoryAccounting IOAccounting BlockIOAccounting TasksAccounting IPAccounting"
    " MemoryZSwapWriteback CoredumpReceive",
    "any": "BlockIOReadBandwidth BlockIOWriteBandwidth CPUWeight StartupCPUWeight DeviceAllow IODeviceLatencyTargetSec"
    " IODeviceWeight BlockIODeviceWeight MemoryMin DefaultMemoryMin DefaultMemoryLow DefaultStartupMemoryLow MemoryLow"
    " MemoryHigh MemoryMax MemorySwapMax MemoryZSwapMax StartupMemoryLow StartupMemoryHigh StartupMemoryMax"
    " StartupMemorySwapMax StartupMemoryZSwapMax MemoryLimit MemorySoftLimit IOReadBandwidthMax IOWriteBandwidthMax"
    " IOReadIOPSMax IOWriteIOPSMax AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes CPUQuota"
    " CPUQuotaPeriodSec TasksMax Delegate DelegateSubgroup DisableControllers IPAddressAllow IPAddressDeny"
    " IPIngressFilterPath IPEgressFilterPath ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit"
    " ManagedOOMMemoryPressureDurationSec ManagedOOMPreference BPFProgram SocketBindAllow SocketBindDeny"
    " RestrictNetworkInterfaces DevicePolicy CPUShares StartupCPUShares Slice IOWeight StartupIOWeight BlockIOWeight"
    " StartupBlockIOWeight MemoryPressureWatch MemoryPressureThresholdSec NFTSet ControlGroup ControlGroupAttribute"
    " ControlGroupModify ControlGroupPersistent NetClass",
}
EXECUTION: Group = {
    "boolean": "CPUSchedulingResetOnFork DynamicUser RemoveIPC TTYReset TTYVHangup TTYVTDisallocate SyslogLevelPrefix"
    " NoNewPrivileges MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID LockPersonality PrivateDevices"
    " PrivateNetwork PrivateMounts PrivateIPC IgnoreSIGPIPE SendSIGKILL SendSIGHUP MountAPIVFS SetLoginEnvironment"
    " RootEphemeral",
    "seconds": "TimeoutSec TimeoutCleanSec LogRateLimitIntervalSec",
    "mode": "UMask RuntimeDirectoryMode StateDirectoryMode CacheDirectoryMode LogsDirectoryMode"
    " ConfigurationDirectoryMode",
    "environment": "Environment",
    "environment-file": "EnvironmentFile",
    "directory": "WorkingDirectory",
    "path": "RootDirectory RootImage TTYPath NetworkNamespacePath IPCNamespacePath UserNamespacePath",
    "paths": "ReadWriteDirectories ReadOnlyDirectories InaccessibleDirectories ReadWritePaths ReadOnlyPaths"
    " InaccessiblePaths ExecPaths NoExecPaths",
    "output": "StandardOutput StandardError",
    "killmode": "KillMode",
    "protect-system": "ProtectSystem",
    "protect-home": "ProtectHome",
    "private": "PrivateTmp",
    "nice": "Nice",
    "any": "PrivateUsers PrivatePIDs PrivateBPF ProtectControlGroups ProtectHostname ProtectKernelTunables"
    " ProtectKernelModules ProtectKernelLogs ProtectClock KillSignal RestartKillSignal FinalKillSignal WatchdogSignal"
    " SystemCallArchitectures CapabilityBoundingSet AmbientCapabilities Capabilities CPUAffinity CPUSchedulingPolicy"
    " CPUSchedulingPriority SystemCallErrorNumber SyslogFacility RestrictAddressFamilies RestrictFileSystems"
    " StandardInput IOSchedulingClass IOSchedulingPriority SELinuxContext SyslogLevel LogLevelMax LimitCPU LimitFSIZE"
    " LimitDATA LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK LimitLOCKS LimitSIGPENDING"
    " LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME MountFlags RestrictNamespaces DelegateNamespaces TimerSlackNSec"
    " OOMScoreAdjust RootImageOptions RootImagePolicy RootHash RootHashSignature RootVerity ExtensionImages"
    " ExtensionImagePolicy ExtensionDirectories MountImages MountImagePolicy ExecSearchPath User Group"
    " SupplementaryGroups CoredumpFilter NUMAPolicy NUMAMask PassEnvironment UnsetEnvironment StandardInputText"
    " StandardInputData TTYRows TTYColumns LogExtraFields LogFilterPatterns KeyringMode ProtectProc ProcSubset"
    " TemporaryFileSystem LogNamespace RuntimeDirectoryPreserve RuntimeDirectory StateDirectory CacheDirectory"
    " LogsDirectory ConfigurationDirectory StateDirectoryQuota CacheDirectoryQuota LogsDirectoryQuota"
    " StateDirectoryAccounting CacheDirectoryAccounting LogsDirectoryAccounting SetCredential SetCredentialEncrypted"
    " LoadCredential LoadCredentialEncrypted ImportCredential UtmpMode UtmpIdentifier AppArmorProfile SmackProcessLabel"
    " BindPaths BindReadOnlyPaths BindLogSockets Personality SecureBits SyslogIdentifier PAMName SystemCallFilter"
    " SystemCallLog LogRateLimitBurst BPFDelegateCommands BPFDelegateMaps BPFDelegatePrograms BPFDelegateAttachments"
    " TCPWrapName UserNamespaceIdentityMap",
}
SERVICE: Group = {
    "boolean": "PermissionsStartOnly RootDirectoryStartOnly RemainAfterExit GuessMainPID NonBlocking RefreshOnReload",
    "seconds": "RestartSec RestartMaxDelaySec TimeoutStartSec TimeoutStopSec TimeoutAbortSec RuntimeMaxSec"
    " RuntimeRandomizedExtraSec WatchdogSec StartLimitInterval",
    "number": "StartLimitBurst FileDescriptorStoreMax RestartSteps",
    "type": "Type",
    "restart": "Restart",
    "notify": "NotifyAccess",
    "action": "StartLimitAction FailureAction",
    "units": "Sockets",
    "exec": "ExecCondition ExecStartPre ExecStart ExecStartPost ExecReload ExecReloadPost ExecStop ExecStopPost",
    "any": "PIDFile BusName BusPolicy OOMPolicy USBFunctionDescriptors USBFunctionStrings ExitType RestartMode"
    " RestartPreventExitStatus RestartForceExitStatus SuccessExitStatus RebootArgument TimeoutStartFailureMode"
    " TimeoutStopFailureMode FileDescriptorStorePreserve OpenFile ReloadSignal LiveMountResult FsckPassNo"
    " SysVStartPriority SysVRunLevels",
}
SOCKET: Group = {
    "boolean": "Accept FlushPending Writable KeepAlive NoDelay FreeBind Transparent Broadcast PassCredentials PassPIDFD"
    " PassSecurity PassPacketInfo ReusePort RemoveOnStop SELinuxContextFromNet AcceptFileDescriptors"
    " PassFileDescriptorsToExec",
    "seconds": "KeepAliveTimeSec KeepAliveIntervalSec DeferAcceptSec TriggerLimitIntervalSec PollLimitIntervalSec"
    " DeferTriggerMaxSec",
    "mode": "SocketMode DirectoryMode",
    "number": "Backlog MaxConnections MaxConnectionsPerSource KeepAliveProbes TriggerLimitBurst PollLimitBurst",
    "unit": "Service",
    "exec": "ExecStartPre ExecStartPost ExecStopPre ExecStopPost",
    "bind-ipv6": "BindIPv6Only",
    "listen": "ListenStream ListenDatagram ListenSequentialPacket",
    "any": "ListenFIFO ListenNetlink ListenSpecial ListenMessageQueue ListenUSBFunction Priority IPTTL Mark"
    " MessageQueueMaxMessages MessageQueueMessageSize BindToDevice SocketProtocol SocketUser SocketGroup Timestamping"
    " Symlinks FileDescriptorName ReceiveBuffer SendBuffer PipeSize TCPCongestion SmackLabel SmackLabelIPIn"
    " SmackLabelIPOut IPTOS DeferTrigger XAttrEntryPoint XAttrListen XAttrAccept",
}
MOUNT: Group = {
    "boolean": "SloppyOptions LazyUnmount ForceUnmount ReadWriteOnly",
    "mode": "DirectoryMode",
    "path": "Where",
    "any": "What Options Type FsckPassNo",
}
AUTOMOUNT: Group = {"mode": "DirectoryMode", "path": "Where", "seconds": "TimeoutIdleSec", "any": "ExtraOptions"}
SWAP: Group = {"any": "What Priority Options"}
TIMER: Group = {
    "boolean": "OnClockChange OnTimezoneChange Persistent WakeSystem RemainAfterElapse FixedRandomDelay"
    " DeferReactivation",
    "seconds": "AccuracySec RandomizedDelaySec RandomizedOffsetSec OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec"
    " OnUnitInactiveSec",
    "calendar": "OnCalendar",
    "unit": "Unit",
}
PATH: Group = {
    "boolean": "MakeDirectory",
    "mode": "DirectoryMode",
    "path": "PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty",
    "seconds": "TriggerLimitIntervalSec",
    "number": "TriggerLimitBurst",
    "unit": "Unit",
}
SLICE: Group = {"number": "ConcurrencySoftMax ConcurrencyHardMax"}
SCOPE: Group = {"seconds": "RuntimeMaxSec RuntimeRandomizedExtraSec TimeoutStopSec", "any": "OOMPolicy"}

SECTIONS: dict[str, tuple[Group, ...]] = {
    "Unit": (UNIT,),
    "Install": (INSTALL,),
    "Service": (SERVICE, EXECUTION, RESOURCES),
    "Socket": (SOCKET, EXECUTION, RESOURCES),
    "Mount": (MOUNT, EXECUTION, RESOURCES),
    "Automount": (AUTOMOUNT,),
    "Swap": (SWAP, EXECUTION, RESOURCES),
    "Timer": (TIMER,),
    "Path": (PATH,),
    "Slice": (SLICE, RESOURCES),
    "Scope": (SCOPE, EXECUTION, RESOURCES),
}
# The section of its own that each type of unit has; the others have none.
OWN_SECTION = {kind: kind.capitalize() for kind in UNIT_TYPES if kind.capitalize() in SECTIONS}
# Sections that every unit may have. What starts with X- is for others than systemd.
SHARED = ("Unit", "Install")


@lru_cache(maxsize=32)
def options_of(section: str) -> dict[str, str]:
    """The options of a section, each with the kind of its values; empty for a section that systemd does not have."""
    return {
        name: kind
        for group in reversed(SECTIONS.get(section, ()))
        for kind, names in group.items()
        for name in names.split()
    }


def sections_with(option: str, sections: tuple[str, ...]) -> list[str]:
    """Those of some sections that have an option."""
    return [section for section in sections if option in options_of(section)]


def sections_for(unit_name: str) -> tuple[str, ...]:
    """The sections that a unit of this name may have; all of them where the name has no type."""
    own = OWN_SECTION.get(unit_name.rpartition(".")[2])
    if own is None and unit_name.rpartition(".")[2] not in UNIT_TYPES:
        return tuple(SECTIONS)
    return (*SHARED, own) if own else SHARED
