//! The page of the control door: three files, compiled in; they load nothing from anywhere else.

/// What a browser may do with the page: run its own script, look as its own style says, and ask its own door.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its media type.
    pub kind: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

/// The document.
pub const INDEX: File = File { kind: "text/html;charset=utf-8", text: include_str!("page/index.html") };
/// How it looks.
pub const STYLE: File = File { kind: "text/css;charset=utf-8", text: include_str!("page/style.css") };
/// What it does.
pub const SCRIPT: File = File { kind: "text/javascript;charset=utf-8", text: include_str!("page/page.js") };
