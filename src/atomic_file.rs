//! Files that are replaced as a whole: whoever reads one finds the old contents or the new, and never half of either.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// The folder that a path stands in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file beside this path and renames it to it. A file that was there passes on its permissions.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
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
