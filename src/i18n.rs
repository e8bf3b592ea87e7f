//! Ground floor: which language the program speaks. Every sentence of its own stands in both, side by side, where it is said:
//! `said!("{n} claims held", "{n} 条成立")`, or `either("Enter goes on", "按回车继续")`. Whoever changes one has the other before his eyes.

use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};

/// A language of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English, where nobody asks for another.
    English,
    /// Chinese, as it is written in mainland China.
    Chinese,
}

impl Language {
    /// Both.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its tag (BCP 47), which also names a lesson's text in it: `en.md`, `zh.md`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// The language of a locale's name, `zh_CN.UTF-8` (locale(7)).
    #[must_use]
    pub fn of_locale(name: &str) -> Language {
        let language = name.split(['_', '.', '-', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Language::Chinese } else { Language::English }
    }

    /// The language of the environment: of the variables for messages, the first that is set counts (locale(7)).
    #[must_use]
    pub fn of_environment() -> Language {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(set)
            .map_or(Language::English, |name| Language::of_locale(&name))
    }
}

/// Set once, at the start.
static CHINESE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static HERE: Cell<Option<Language>> = const { Cell::new(None) };
}

/// From here on the whole program speaks this language.
pub fn speak(language: Language) {
    CHINESE.store(language == Language::Chinese, Ordering::Relaxed);
}

/// The language that is spoken.
#[must_use]
pub fn spoken() -> Language {
    HERE.get().unwrap_or(if CHINESE.load(Ordering::Relaxed) {
        Language::Chinese
    } else {
        Language::English
    })
}

/// Speaks this language while it does that, on this thread alone: for whoever needs both at once.
pub fn speaking<T>(language: Language, act: impl FnOnce() -> T) -> T {
    let before = HERE.replace(Some(language));
    let done = act();
    HERE.set(before);
    done
}

/// The one or the other, as is spoken.
pub fn either<T>(english: T, chinese: T) -> T {
    match spoken() {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// A sentence in both languages, English first, for a table or a constant: which is spoken is asked when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both(pub &'static str, pub &'static str);

impl Both {
    /// It, in the language that is spoken.
    #[must_use]
    pub fn spoken(self) -> &'static str {
        either(self.0, self.1)
    }
}

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spoken())
    }
}

impl From<Both> for String {
    fn from(both: Both) -> String {
        both.spoken().to_owned()
    }
}

/// What the system says of an error, in the language that is spoken. What we say ourselves inside one stays as it is, and so
/// does what has no Chinese here.
#[must_use]
pub fn error_text(error: &io::Error) -> String {
    let ours = error.get_ref().is_some();
    match (spoken(), in_chinese(error.kind())) {
        (Language::Chinese, Some(text)) if !ours => text.to_owned(),
        _ => error.to_string(),
    }
}

fn in_chinese(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "没有这个文件或目录",
        ErrorKind::PermissionDenied => "没有权限",
        ErrorKind::AlreadyExists => "文件已经存在",
        ErrorKind::NotADirectory => "不是目录",
        ErrorKind::IsADirectory => "是一个目录",
        ErrorKind::DirectoryNotEmpty => "目录不是空的",
        ErrorKind::ReadOnlyFilesystem => "文件系统是只读的",
        ErrorKind::StorageFull => "磁盘空间不足",
        ErrorKind::QuotaExceeded => "超出了磁盘配额",
        ErrorKind::FileTooLarge => "文件太大",
        ErrorKind::ResourceBusy => "设备或资源正忙",
        ErrorKind::InvalidFilename => "文件名无效或太长",
        ErrorKind::ConnectionRefused => "连接被拒绝",
        ErrorKind::ConnectionReset => "连接被对端复位",
        ErrorKind::ConnectionAborted => "连接被中止",
        ErrorKind::NotConnected => "套接字没有连接",
        ErrorKind::AddrInUse => "地址已被占用",
        ErrorKind::AddrNotAvailable => "地址不可用",
        ErrorKind::HostUnreachable => "到不了那台主机",
        ErrorKind::NetworkUnreachable => "到不了那个网络",
        ErrorKind::NetworkDown => "网络没有启用",
        ErrorKind::BrokenPipe => "管道已断开",
        ErrorKind::WouldBlock => "现在做不了，要等待",
        ErrorKind::TimedOut => "超时",
        ErrorKind::Interrupted => "被信号中断",
        ErrorKind::InvalidInput => "参数无效",
        ErrorKind::Unsupported => "系统不支持",
        ErrorKind::OutOfMemory => "内存不足",
        ErrorKind::UnexpectedEof => "数据提前结束",
        _ => return None,
    })
}

/// As `format!`, in the language that is spoken: `said!("{n} claims", "{n} 条结论")`. Arguments stand by name.
macro_rules! said {
    ($english:literal, $chinese:literal $(, $name:ident = $value:expr)* $(,)?) => {
        match $crate::i18n::spoken() {
            $crate::i18n::Language::English => format!($english $(, $name = $value)*),
            $crate::i18n::Language::Chinese => format!($chinese $(, $name = $value)*),
        }
    };
}
pub(crate) use said;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_language() {
        for (name, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("zh", Language::Chinese),
            ("zh-Hans", Language::Chinese),
            ("en_GB.UTF-8", Language::English),
            ("C", Language::English),
            ("POSIX", Language::English),
            ("zhx", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_locale(name), language, "{name}");
        }
    }

    #[test]
    fn what_is_said_is_said_in_the_language_that_is_spoken() {
        let held = |n: u32| said!("{n} held", "{n} 条成立");
        assert_eq!(speaking(Language::English, || held(3)), "3 held");
        assert_eq!(
            speaking(Language::Chinese, || (held(3), either("a", "b"))),
            ("3 条成立".to_owned(), "b")
        );
    }

    #[test]
    fn an_error_of_the_system_is_told_in_the_language_and_ours_as_we_said_it() {
        let [system, ours] =
            [io::Error::from(ErrorKind::NotFound), io::Error::new(ErrorKind::NotFound, "ours")];
        let both = || (error_text(&system), error_text(&ours));
        assert_eq!(
            speaking(Language::Chinese, both),
            ("没有这个文件或目录".to_owned(), "ours".to_owned())
        );
        assert_eq!(speaking(Language::English, both), (system.to_string(), "ours".to_owned()));
    }
}
