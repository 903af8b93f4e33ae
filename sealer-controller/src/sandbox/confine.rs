//! What a worker takes away from itself before it reads its first job. [`SYSCALLS`] is all that is left.

use std::collections::BTreeMap;
use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getrlimit, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use rustix::thread::set_no_new_privs;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// How far a worker could confine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confinement {
    Full,
    /// The kernel takes no filter of system calls; all else holds.
    WithoutFilter,
}

/// Confines this process for good.
pub(super) fn confine() -> io::Result<Confinement> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_no_new_privs(true)?;
    limit()?;
    Ok(if filter().is_ok() { Confinement::Full } else { Confinement::WithoutFilter })
}

/// Bounds memory and processor time, and takes away files, sockets and processes.
fn limit() -> io::Result<()> {
    // The limit is on addresses, most of which are the program itself. It is read before files are out of reach.
    let addresses = addresses().saturating_add(MEMORY);
    let stack = getrlimit(Resource::Stack).current.map_or(STACK, |current| current.min(STACK));
    for (resource, soft, hard) in [
        (Resource::As, addresses, addresses),
        (Resource::Stack, stack, stack),
        // The soft one sends SIGXCPU, which tells this end from a SIGKILL that comes from elsewhere.
        (Resource::Cpu, SECONDS, SECONDS + 5),
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
        (Resource::Nproc, 0, 0),
        (Resource::Nofile, DESCRIPTORS, DESCRIPTORS),
    ] {
        // Nobody may raise a limit that is lower already.
        let bound = getrlimit(resource).maximum;
        let lower = |limit: u64| Some(bound.map_or(limit, |bound| bound.min(limit)));
        setrlimit(resource, Rlimit { current: lower(soft), maximum: lower(hard) })?;
    }
    Ok(())
}

/// Bytes of addresses that are in use (proc(5)).
fn addresses() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    pages.map_or(UNKNOWN_PROGRAM, |pages| pages.saturating_mul(rustix::param::page_size() as u64))
}

/// Installs two filters, of which the stricter one decides. The second one forbids to install another.
fn filter() -> Result<(), seccompiler::Error> {
    seccompiler::apply_filter(&missing_files()?)?;
    seccompiler::apply_filter(&program(rules()?, SeccompAction::KillProcess)?)
}

/// Answers whoever looks for a file that there is none.
fn missing_files() -> Result<BpfProgram, BackendError> {
    let missing = SYSCALLS.iter().filter(|(.., allowed)| *allowed == Allowed::Missing);
    let rules = missing.map(|(_, number, _)| (*number, Vec::new())).collect();
    let action = SeccompAction::Errno(libc::ENOENT.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, action, arch()?)?.try_into()
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules() -> Result<Rules, BackendError> {
    SYSCALLS.iter().map(|(_, number, allowed)| Ok((*number, allowed.rules()?))).collect()
}

fn program(rules: Rules, otherwise: SeccompAction) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, otherwise, SeccompAction::Allow, arch()?)?.try_into()
}

fn arch() -> Result<TargetArch, BackendError> {
    std::env::consts::ARCH.try_into()
}

/// With which arguments a system call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// With any.
    Always,
    /// With any, and the answer is that there is no such file.
    Missing,
    /// With this descriptor as the first argument.
    On(u32),
    /// For memory that belongs to no file and cannot be executed.
    Anonymous,
    /// For memory that cannot be executed.
    NotExecutable,
}

impl Allowed {
    fn rules(self) -> Result<Vec<SeccompRule>, BackendError> {
        let masked = |argument, mask: i32, value: i32| {
            let bits = |bits: i32| u64::from(bits.unsigned_abs());
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits(mask)), bits(value))
        };
        let not_executable = masked(2, libc::PROT_EXEC, 0);
        let conditions = match self {
            Self::Always | Self::Missing => return Ok(Vec::new()),
            Self::On(descriptor) => {
                vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, descriptor.into())?]
            }
            Self::Anonymous => vec![not_executable?, masked(3, libc::MAP_ANONYMOUS, libc::MAP_ANONYMOUS)?],
            Self::NotExecutable => vec![not_executable?],
        };
        Ok(vec![SeccompRule::new(conditions)?])
    }
}

/// The system calls of a worker; any other kills it at once.
pub const SYSCALLS: &[(&str, i64, Allowed)] = &[
    // Jobs and answers.
    ("read", libc::SYS_read, Allowed::On(0)),
    ("write", libc::SYS_write, Allowed::On(1)),
    // Memory.
    ("brk", libc::SYS_brk, Allowed::Always),
    ("mmap", libc::SYS_mmap, Allowed::Anonymous),
    ("mprotect", libc::SYS_mprotect, Allowed::NotExecutable),
    ("mremap", libc::SYS_mremap, Allowed::Always),
    ("munmap", libc::SYS_munmap, Allowed::Always),
    ("madvise", libc::SYS_madvise, Allowed::Always),
    // Locks of the cryptographic library.
    ("futex", libc::SYS_futex, Allowed::Always),
    // The bound on time, and functions that make something up.
    ("clock_gettime", libc::SYS_clock_gettime, Allowed::Always),
    ("getrandom", libc::SYS_getrandom, Allowed::Always),
    // The cryptographic library asks for devices that it can do without.
    ("newfstatat", libc::SYS_newfstatat, Allowed::Missing),
    ("openat", libc::SYS_openat, Allowed::Missing),
    // The end.
    ("sigaltstack", libc::SYS_sigaltstack, Allowed::Always),
    ("exit_group", libc::SYS_exit_group, Allowed::Always),
];

/// Memory beside the program: the largest object and its results, each in two copies, what the engine may allocate, the
/// stack. All workers together stay below 100 MiB, whatever the engine gets wrong.
const MEMORY: u64 = 48 << 20;
const STACK: u64 = 8 << 20;
/// Where the kernel does not say how large the program is.
const UNKNOWN_PROGRAM: u64 = 512 << 20;
/// Processor time of a whole life; the controller replaces a worker long before.
const SECONDS: u64 = 120;
/// Input, output and the null device, which are open.
const DESCRIPTORS: u64 = 3;

#[cfg(test)]
mod tests;
