//! Programs that get more rights than whoever starts them (execve(2)), which a program that is traced does not get.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::trace::Privilege;

const SET_USER_ID: u32 = 0o4000;
/// Without the group's right to execute it means something else (inode(7)).
const SET_GROUP_ID: u32 = 0o2010;

/// What would give the program in this file rights that we do not have.
pub fn privilege_of(file: &Path) -> Option<Privilege> {
    let about = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let (user, group) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let sets_user = about.mode() & SET_USER_ID != 0 && about.uid() != user;
    let sets_group = about.mode() & SET_GROUP_ID == SET_GROUP_ID && about.gid() != group;
    let has_capabilities = user != 0 && has_capabilities(file);
    if !(sets_user || sets_group || has_capabilities) || is_script(file) {
        return None;
    }
    Some(if has_capabilities { Privilege::Capabilities } else { Privilege::SetId })
}

/// True if the file has the attribute that holds capabilities (xattr(7)).
fn has_capabilities(file: &Path) -> bool {
    let Ok(path) = CString::new(file.as_os_str().as_bytes()) else { return false };
    // SAFETY: both strings end in zero bytes, and with a length of 0 nothing is written.
    let length = unsafe {
        libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0)
    };
    length > 0
}

/// The kernel ignores the mode of a script: its interpreter is what runs.
fn is_script(file: &Path) -> bool {
    let mut start = [0; 2];
    File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

/// The file that execvp(3) would run for this word: the first of that name in `PATH` that may be executed.
pub fn file_of_command(word: &str) -> Option<PathBuf> {
    if word.contains('/') {
        return Some(PathBuf::from(word));
    }
    let path = std::env::var_os("PATH")?;
    let is_executable =
        |file: &PathBuf| fs::metadata(file).is_ok_and(|it| it.is_file() && it.mode() & 0o111 != 0);
    std::env::split_paths(&path).map(|folder| folder.join(word)).find(is_executable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_gets_rights_by_the_bits_of_its_mode_and_a_script_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        let make = |content: &str, mode| {
            fs::write(&path, content).expect("written");
            // Only root can give a file away; then its owner and its group are others.
            let is_given = std::os::unix::fs::chown(&path, Some(12_345), Some(12_345)).is_ok();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            is_given
        };
        assert_eq!((make("program", 0o755), privilege_of(&path)).1, None);
        for mode in [0o4755, 0o2755] {
            let expected = make("program", mode).then_some(Privilege::SetId);
            assert_eq!(privilege_of(&path), expected, "{mode:o}");
        }
        make("program", 0o2745);
        assert_eq!(privilege_of(&path), None, "no set-group-ID bit: locking");
        make("#!/bin/sh", 0o4755);
        assert_eq!(privilege_of(&path), None);
        assert_eq!(privilege_of(folder.path()), None);
    }

    #[test]
    fn capabilities_of_a_file_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        fs::write(&path, "program").expect("written");
        assert!(!has_capabilities(&path));
        let (name, path_of) = (c"security.capability", CString::new(path.as_os_str().as_bytes()));
        let path_of = path_of.expect("no zero byte");
        // CAP_NET_RAW, permitted and effective (VFS_CAP_REVISION_2, linux/capability.h).
        let value = [0x0200_0001_u32, 1 << 13, 0, 0, 0].map(u32::to_le_bytes).concat();
        // SAFETY: both strings end in zero bytes, and the value is as long as is said.
        let set = unsafe {
            let (value, length) = (value.as_ptr().cast(), value.len());
            libc::setxattr(path_of.as_ptr(), name.as_ptr(), value, length, 0)
        };
        if set == 0 {
            assert!(has_capabilities(&path)); // only root can set them
        }
    }

    #[test]
    fn a_word_without_a_slash_is_looked_for_in_the_path() {
        let found = file_of_command("sh").expect("every system has one");
        assert!(found.is_absolute() && found.ends_with("sh"), "{found:?}");
        assert_eq!(file_of_command("./sh"), Some(PathBuf::from("./sh")));
        assert_eq!(file_of_command("no-such-program"), None);
    }
}
