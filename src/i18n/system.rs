//! The languages that the system itself is set to, where no variable of the environment says one.

/// Windows has them as a list of BCP 47 tags, the first one first ("GetUserPreferredUILanguages function").
#[cfg(windows)]
pub fn languages() -> Vec<String> {
    use windows_sys::Win32::Globalization::{GetUserPreferredUILanguages, MUI_LANGUAGE_NAME};
    let (mut count, mut room, mut length) = (0, [0_u16; 512], 512);
    // SAFETY: there is room for as many as is said.
    let told = unsafe {
        GetUserPreferredUILanguages(
            MUI_LANGUAGE_NAME,
            &raw mut count,
            room.as_mut_ptr(),
            &raw mut length,
        )
    };
    if told == 0 {
        return Vec::new();
    }
    let tags = room.split(|unit| *unit == 0).take(count as usize);
    tags.map(String::from_utf16_lossy).collect()
}

/// Other systems say it in the environment.
#[cfg(not(windows))]
pub fn languages() -> Vec<String> {
    Vec::new()
}
