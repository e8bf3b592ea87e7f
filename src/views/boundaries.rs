//! Not drawn yet.

use crate::picture::Picture;
use crate::recording::Recording;

pub(super) fn draw(_recording: &Recording, _width: usize) -> Picture {
    Picture::default()
}
