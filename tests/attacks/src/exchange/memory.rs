//! The resident memory of a process, from `/proc`.

use std::fs;
use std::path::PathBuf;

/// Reads `/proc/PID/status`.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Self {
        Self { folder: PathBuf::from(format!("/proc/{process}")) }
    }

    /// VmRSS in MB (10^6 bytes).
    pub(crate) fn resident(&self) -> Option<f64> {
        self.field("VmRSS:")
    }

    /// VmHWM in MB: the peak since the start or since [`Memory::reset_peak`].
    pub(crate) fn peak(&self) -> Option<f64> {
        self.field("VmHWM:")
    }

    /// Sets VmHWM to VmRSS (proc(5), clear_refs). If the system does not allow it, the older peak remains.
    pub(crate) fn reset_peak(&self) {
        let _ = fs::write(self.folder.join("clear_refs"), "5");
    }

    fn field(&self, name: &str) -> Option<f64> {
        read(&fs::read_to_string(self.folder.join("status")).ok()?, name)
    }
}

fn read(status: &str, name: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_megabytes() {
        let status = "Name:\toffhook\nVmHWM:\t  125000 kB\nVmRSS:\t    1000 kB\n";
        assert_eq!(read(status, "VmRSS:"), Some(1.024));
        assert_eq!(read(status, "VmHWM:"), Some(128.0));
        assert_eq!(read(status, "VmSwap:"), None);
    }
}
