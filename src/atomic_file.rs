//! Files that are replaced as a whole: whoever reads one finds the old contents or the new, and never half of either.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How many symbolic links are followed one after another: as many as the kernel follows (path_resolution(7)).
const MOST_LINKS: u32 = 40;

/// The folder that a path stands in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that this path names, at the end of all symbolic links, whether it is there or not: what is renamed or replaced is the
/// file, and the links stay.
pub(crate) fn target_of(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&target) else {
            break;
        };
        target = folder_of(&target).join(next);
    }
    target
}

/// Writes a file beside the one that this path names, and renames it to that. A file that was there passes on its permissions.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &target_of(path);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, as for any new file
    let mut file = builder.prefix(".").suffix(".part").tempfile_in(folder_of(path))?;
    file.write_all(contents)?;
    if let Ok(about) = fs::metadata(path) {
        file.as_file().set_permissions(about.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
