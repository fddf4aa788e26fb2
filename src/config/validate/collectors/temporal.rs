//! A Temporal collector: how it is reached, and whether what it shows there fits together.

use crate::model::MetricName;

use super::super::super::error::Mistakes;
use super::super::super::mistake::{CollectorFault, Mistake};
use super::super::super::pem;
use super::super::super::place::Place;
use super::super::super::raw::Values;
use super::super::super::read::Reader;
use super::super::super::secret::Secret;
use super::super::super::setting::Setting;
use super::super::super::setting::temporal as setting;
use super::super::super::value::{self, GrpcAddress, Scheme};
use super::super::super::{CollectorConfig, SourceConfig, TemporalConfig, TlsIdentity};

/// What asks for TLS, and must not go out without it.
const WITH_TLS_ONLY: [&Setting; 3] = [&setting::API_KEY, &setting::CERT_DATA, &setting::KEY_DATA];

pub(super) fn temporal(
    index: usize,
    values: &Values,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<CollectorConfig> {
    let identity = identity(index, values, place, mistakes);
    let mut read = Reader { values, mistakes };
    let metric =
        read.read(&setting::METRIC_NAME, |text| value::identifier(text).map(MetricName::new));
    let address = read.read(&setting::ADDRESS, value::grpc_address);
    let namespace = read.read(&setting::NAMESPACE, |text| value::word(text).map(str::to_owned));
    let query = read.read(&setting::QUERY, |text| Ok(text.to_owned()));
    let api_key = read.read(&setting::API_KEY, |text| value::word(text).map(Secret::new));
    let timeout = read.duration(&setting::TIMEOUT);
    let on_failure = read.read(&setting::ON_FAILURE, value::on_failure);
    let last_for = read.duration(&setting::LAST_FOR);
    let address = url(index, &address?, values, place, mistakes);
    let source = SourceConfig::Temporal(TemporalConfig {
        address,
        namespace: namespace?,
        query,
        api_key,
        identity,
    });
    Some(CollectorConfig {
        metric: metric?,
        source,
        timeout: timeout?,
        on_failure: on_failure?,
        last_for: last_for?,
    })
}

/// The address with the scheme that was written, or that the secrets ask for.
fn url(
    index: usize,
    address: &GrpcAddress,
    values: &Values,
    place: &Place,
    mistakes: &mut Mistakes,
) -> String {
    let secret = WITH_TLS_ONLY.into_iter().find(|setting| values.get(setting).is_some());
    let scheme = match (address.scheme, secret) {
        (Some(Scheme::Http), Some(setting)) => {
            let fault = CollectorFault::PlainAddress { key: setting.key };
            let place = values.place(&setting::ADDRESS).unwrap_or(place);
            mistakes.add(Mistake::Collector { index, fault }, place);
            "http"
        }
        (Some(Scheme::Http), None) | (None, None) => "http",
        (Some(Scheme::Https), _) | (None, Some(_)) => "https",
    };
    format!("{scheme}://{}", address.authority)
}

/// The certificate and the key, if they are there and belong together.
fn identity(
    index: usize,
    values: &Values,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<TlsIdentity> {
    let fault = match [&setting::CERT_DATA, &setting::KEY_DATA].map(|own| values.place(own)) {
        [Some(_), None] => Some(CollectorFault::KeyDataRequired),
        [None, Some(_)] => Some(CollectorFault::CertDataRequired),
        _ => None,
    };
    if let Some(fault) = fault {
        mistakes.add(Mistake::Collector { index, fault }, place);
    }
    let mut read = Reader { values, mistakes };
    let certificates = read.read(&setting::CERT_DATA, pem::certificates);
    let key = read.read(&setting::KEY_DATA, pem::private_key);
    let (certificates, key) = (certificates?, key?);
    read.read(&setting::KEY_DATA, |_| pem::check_pair(certificates, key))?;
    let secret = |setting| values.get(setting).map(|given| Secret::new(given.text()));
    Some(TlsIdentity {
        certificate: secret(&setting::CERT_DATA)?,
        key: secret(&setting::KEY_DATA)?,
    })
}
