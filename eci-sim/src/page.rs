//! The page of the control API: three files, compiled in; they load nothing from elsewhere.

/// Content security policy of the page: its own script and style, and requests to its own origin.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Media type.
    pub kind: &'static str,
    /// Content of the file.
    pub text: &'static str,
}

/// The HTML document.
pub const INDEX: File = File { kind: "text/html;charset=utf-8", text: include_str!("page/index.html") };
/// The style sheet.
pub const STYLE: File = File { kind: "text/css;charset=utf-8", text: include_str!("page/style.css") };
/// The script.
pub const SCRIPT: File = File { kind: "text/javascript;charset=utf-8", text: include_str!("page/page.js") };
