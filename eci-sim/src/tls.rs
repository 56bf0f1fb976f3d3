//! TLS certificates: given ones, or generated ones, signed by an authority that the simulator makes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certificate_authority::{Authority, CertificateError, CertificateTemplate};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::catalog::CATALOG;

/// The authority's common name.
const NAME: &str = "eci-sim";

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read, written, or parsed.
    #[error("{what} in {file} cannot be used: {why}", file = .file.display())]
    File {
        /// Expected content.
        what: &'static str,
        /// Path of the file.
        file: PathBuf,
        /// Error of reading, writing or parsing.
        why: String,
    },
    /// A certificate that cannot be generated.
    #[error("a certificate cannot be made: {0}")]
    Made(#[from] CertificateError),
    /// A certificate and key that do not belong together, or are of an unsupported kind.
    #[error("certificate and key cannot be shown: {0}")]
    Shown(#[from] rustls::Error),
}

/// The TLS configuration of given certificates and their key, as PEM files.
///
/// # Errors
/// [`TlsError`] when they cannot be read, or do not belong together.
pub fn given(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let problem = |what, file: &Path, why: rustls_pki_types::pem::Error| TlsError::File {
        what,
        file: file.to_owned(),
        why: why.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|why| problem("the certificate", certificates, why))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|why| problem("the key", key, why))?;
    config(chain, secret)
}

/// A certificate for the endpoints of all regions, for this machine, and for `names`, signed by an authority whose
/// certificate is in `authority` for clients to trust. The authority is made where the file does not exist; its key is
/// beside it, for the owner alone, so that clients have to trust it only once.
///
/// # Errors
/// [`TlsError`] when the files cannot be read or written.
pub fn generated(authority: &Path, names: &[String]) -> Result<Arc<ServerConfig>, TlsError> {
    let problem = |why: String| TlsError::File { what: "the authority", file: authority.to_owned(), why };
    let key_file = authority.with_extension("key.pem");
    let authority = match (fs::read_to_string(&key_file), authority.exists()) {
        (Ok(key), true) => {
            let certificate = fs::read_to_string(authority).map_err(|why| problem(why.to_string()))?;
            Authority::stored(NAME, certificate, &key)?
        }
        (Err(why), true) => {
            return Err(problem(format!(
                "its key {} cannot be read: {why}; delete both to have new ones",
                key_file.display()
            )));
        }
        (Ok(_), false) => {
            return Err(problem(format!(
                "it is not there, but a key is: {}; move that away to have new ones",
                key_file.display()
            )));
        }
        (Err(_), false) => {
            let made = Authority::generate(NAME, None)?;
            write_new(&key_file, &made.key(), 0o600).map_err(|why| problem(why.to_string()))?;
            write_new(authority, made.certificate(), 0o644).map_err(|why| problem(why.to_string()))?;
            made
        }
    };
    let (certificate, key) = authority.sign(server(names))?.into_der();
    config(vec![certificate], key)
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The server at the endpoints of all regions, on this machine, and under `names`.
fn server(names: &[String]) -> CertificateTemplate {
    let regions = CATALOG.regions().flat_map(|region| {
        [format!("eci.{}.aliyuncs.com", region.id), format!("eci-vpc.{}.aliyuncs.com", region.id)]
    });
    let here = ["eci.aliyuncs.com", "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut all: Vec<String> = regions.chain(here).chain(names.iter().cloned()).collect();
    all.sort();
    all.dedup();
    CertificateTemplate::server("eci.aliyuncs.com", all)
}

/// Creates a file with its whole content: where that fails, there is none.
fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(text.as_bytes());
    if written.is_err() {
        fs::remove_file(path)?;
    }
    written
}
