//! The output file of a page. Whether it can be written is tried before anything runs; later it is written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use super::output_file::write_error;
use crate::atomic_file::{folder_of, replace, target_of};

pub enum PageFile {
    Stdout,
    /// A device or a pipe, which must not be replaced by a file.
    Device(PathBuf),
    /// A file, replaced if it exists.
    File(PathBuf),
}

impl PageFile {
    /// The file of this path; `-` is standard output. Checks that it can be written, and leaves nothing there.
    pub fn to(path: &Path) -> Result<PageFile, Failure> {
        if path == Path::new("-") {
            return Ok(PageFile::Stdout);
        }
        let unwritable = |error| Failure::Unwritable(path.to_owned(), error);
        let file = match fs::metadata(path) {
            Ok(about) if about.is_dir() => return Err(Failure::IsFolder(path.to_owned())),
            Ok(about) if !about.is_file() => return Ok(PageFile::Device(path.to_owned())),
            _ => target_of(path),
        };
        let folder = folder_of(&file);
        if !folder.is_dir() {
            return Err(Failure::NoFolder(folder.to_owned()));
        }
        tempfile::tempfile_in(folder).map_err(unwritable)?;
        Ok(PageFile::File(file))
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        match self {
            PageFile::Stdout => Path::new("-"),
            PageFile::Device(path) | PageFile::File(path) => path,
        }
    }

    /// Writes the page; if that fails, a file that was there is unchanged.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let (path, written) = match self {
            PageFile::Stdout => {
                let mut stdout = io::stdout();
                let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
                (Path::new("-"), written)
            }
            PageFile::Device(path) => (path.as_path(), fs::write(path, text)),
            PageFile::File(path) => (path.as_path(), replace(path, text.as_bytes())),
        };
        written.map_err(|error| write_error(path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let path = folder.join("page.html");
        fs::write(&path, "old").expect("written");
        let whole = PageFile::to(&path).expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        whole.write("new").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(fs::read_dir(folder).expect("a folder").count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let Err(failure) = PageFile::to(&folder.join("none/page.html")) else {
            panic!("there is no such folder")
        };
        assert!(
            failure.to_string().contains(&folder.join("none").display().to_string()),
            "{failure}"
        );
        assert!(PageFile::to(folder).is_err(), "a folder is no file");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_goes_on_pointing_and_a_device_stays_one() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::write(folder.join("real.html"), "old").expect("written");
        symlink("real.html", folder.join("page.html")).expect("a link");
        PageFile::to(&folder.join("page.html"))
            .and_then(|whole| whole.write("new"))
            .expect("written");
        assert_eq!(fs::read_to_string(folder.join("real.html")).expect("it is there"), "new");
        assert!(fs::symlink_metadata(folder.join("page.html")).expect("it is there").is_symlink());
        symlink("yet-to-come.html", folder.join("new.html")).expect("a link to nothing yet");
        PageFile::to(&folder.join("new.html"))
            .and_then(|whole| whole.write("new"))
            .expect("written");
        assert_eq!(fs::read_to_string(folder.join("yet-to-come.html")).expect("made"), "new");
        PageFile::to(Path::new("/dev/null"))
            .and_then(|whole| whole.write("gone"))
            .expect("written");
        assert!(fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
    }
}
