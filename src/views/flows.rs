//! Not matched yet.
