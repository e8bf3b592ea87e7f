//! A file that is written whole or not at all: beside its place first, then put there by rename(2), so that whoever reads the old one
//! never finds half of the new. Whether that can be done is tried before anything runs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use super::output_file::unwritable;
use crate::words;

/// Where a whole file goes.
pub struct AtomicFile {
    path: PathBuf,
    how: How,
}

enum How {
    /// To standard output.
    Out,
    /// Into what is there: a device or a pipe, which nothing may replace.
    Into,
    /// In place of what is there, if anything is.
    Beside,
}

impl AtomicFile {
    /// A file to this path; `-` is standard output. Nothing is left there yet.
    ///
    /// # Errors
    /// [`Failure::Unable`] if there is no such folder, or no file can be written in it.
    pub fn to(path: &Path) -> Result<AtomicFile, Failure> {
        if path == Path::new("-") {
            return Ok(AtomicFile { path: path.to_owned(), how: How::Out });
        }
        let (path, how) = match fs::metadata(path) {
            Ok(about) if about.is_dir() => return Err(Failure::Unable(words::is_a_folder(path))),
            Ok(about) if about.is_file() => {
                (fs::canonicalize(path).map_err(|error| unwritable(path, &error))?, How::Beside)
            }
            Ok(_) => (path.to_owned(), How::Into),
            Err(_) => (path.to_owned(), How::Beside),
        };
        let whole = AtomicFile { path, how };
        if matches!(whole.how, How::Beside) {
            let folder = whole.folder();
            if !folder.is_dir() {
                return Err(Failure::Unable(words::no_folder(folder)));
            }
            let beside = whole.beside();
            let tried = File::create(&beside).and_then(|_| fs::remove_file(&beside));
            tried.map_err(|error| unwritable(&whole.path, &error))?;
        }
        Ok(whole)
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn beside(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.folder().join(format!(".{name}.{}.part", std::process::id()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`Failure::Unable`] if it cannot be written; then what was there is as it was. [`Failure::Terminal`] if its reader has gone.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let unable = |error: io::Error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                Failure::Terminal(error)
            } else {
                unwritable(&self.path, &error)
            }
        };
        match self.how {
            How::Out => io::stdout()
                .write_all(text.as_bytes())
                .and_then(|()| io::stdout().flush())
                .map_err(unable),
            How::Into => fs::write(&self.path, text).map_err(unable),
            How::Beside => {
                let beside = self.beside();
                let written = write_and_keep(&beside, text)
                    .and_then(|()| match fs::metadata(&self.path) {
                        Ok(about) => fs::set_permissions(&beside, about.permissions()),
                        Err(_) => Ok(()),
                    })
                    .and_then(|()| fs::rename(&beside, &self.path));
                written.map_err(|error| {
                    let _ = fs::remove_file(&beside);
                    unable(error)
                })
            }
        }
    }
}

fn write_and_keep(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("explore-whole-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = folder("replaced");
        let path = folder.join("page.html");
        fs::write(&path, "old").expect("written");
        let whole = AtomicFile::to(&path).expect("it can be written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        whole.write("new").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = folder("missing");
        let Err(failure) = AtomicFile::to(&folder.join("none/page.html")) else {
            panic!("there is no such folder")
        };
        assert!(
            failure.to_string().contains(&folder.join("none").display().to_string()),
            "{failure}"
        );
        assert!(AtomicFile::to(&folder).is_err(), "a folder is no file");
        fs::remove_dir_all(folder).expect("removed");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_goes_on_pointing_and_a_device_stays_one() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = folder("link");
        fs::write(folder.join("real.html"), "old").expect("written");
        symlink("real.html", folder.join("page.html")).expect("a link");
        AtomicFile::to(&folder.join("page.html"))
            .and_then(|whole| whole.write("new"))
            .expect("written");
        assert_eq!(fs::read_to_string(folder.join("real.html")).expect("it is there"), "new");
        assert!(fs::symlink_metadata(folder.join("page.html")).expect("it is there").is_symlink());
        AtomicFile::to(Path::new("/dev/null"))
            .and_then(|whole| whole.write("gone"))
            .expect("written");
        assert!(fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
        fs::remove_dir_all(folder).expect("removed");
    }
}
