//! How `object_store` speaks HTTP: over the TLS that the rest of Usher has, with the certificate authorities of the machine.
//! Its own way brings a second library of ciphers, and TLS into every client of the process.

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::connect::{Connect, HttpConnector as Plain};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};

/// Makes clients: for `https://` alone, or for `http://` alone where that is allowed.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let builder = Client::builder(TokioExecutor::new());
        if options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true") {
            return Ok(HttpClient::new(Service(builder.build(Plain::new()))));
        }
        let roots = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots();
        let roots = roots.map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: format!("this machine trusts no certificate authority, install ca-certificates: {error}")
                .into(),
        })?;
        Ok(HttpClient::new(Service(builder.build(roots.https_only().enable_http1().build()))))
    }
}

#[derive(Debug)]
struct Service<C>(Client<C, HttpRequestBody>);

#[async_trait]
impl<C> HttpService for Service<C>
where
    C: Connect + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let kind = |error: &Error| match error.is_connect() {
            true => HttpErrorKind::Connect,
            false => HttpErrorKind::Interrupted,
        };
        let answer = self.0.request(request).await.map_err(|error| HttpError::new(kind(&error), error))?;
        Ok(answer.map(|body| {
            HttpResponseBody::new(body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error)))
        }))
    }
}
