//! TLS configuration.

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;

/// The certificate authorities trusted for `wss://`.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// Those trusted by Mozilla.
    #[default]
    Web,
    /// Only these, as DER.
    Only(Vec<Vec<u8>>),
}

/// Certificates that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The PEM text has no certificate, or a malformed one.
    #[error("no readable certificate in the PEM text; expected -----BEGIN CERTIFICATE----- blocks")]
    Pem,
    /// rustls refused a certificate or the private key for this reason.
    #[error("the certificate or its key cannot be used: {0}")]
    Unusable(String),
}

impl Roots {
    /// Only the certificates in a PEM text.
    ///
    /// # Errors
    /// [`TlsError::Pem`] if there is none.
    pub fn only_pem(pem: &[u8]) -> Result<Self, TlsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match read {
            Ok(found) if !found.is_empty() => Ok(Roots::Only(found.iter().map(|der| der.to_vec()).collect())),
            _ => Err(TlsError::Pem),
        }
    }

    pub(crate) fn client(&self) -> Result<Arc<rustls::ClientConfig>, TlsError> {
        let mut store = RootCertStore::empty();
        match self {
            Roots::Web => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::Only(list) => {
                for der in list {
                    store
                        .add(CertificateDer::from(der.clone()))
                        .map_err(|why| TlsError::Unusable(why.to_string()))?;
                }
            }
        }
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|why| TlsError::Unusable(why.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// aws-lc-rs, explicitly: a library must not set the process-wide default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_parsed_from_pem() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let roots = Roots::only_pem(made.cert.pem().as_bytes()).expect("readable");
        assert!(matches!(&roots, Roots::Only(list) if list.len() == 1));
        roots.client().expect("usable");
        assert_eq!(Roots::only_pem(b"nothing").unwrap_err(), TlsError::Pem);
        assert!(matches!(Roots::Only(vec![vec![1, 2]]).client(), Err(TlsError::Unusable(_))));
    }
}
