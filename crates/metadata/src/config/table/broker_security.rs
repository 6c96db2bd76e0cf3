//! Broker configs: TLS, SASL, authorisation, policies.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Class "alter.config.policy.class.name" = null, Any, Low, ReadOnly, Later:
        "TODO";
    String "authorizer.class.name" = "", Any, Low, ReadOnly, Later:
        "TODO";
    Int "connection.failed.authentication.delay.ms" = "100", AtLeast(0), Low, ReadOnly, Later:
        "TODO";
    Long "connections.max.reauth.ms" = "0", Any, Medium, ReadOnly, Later:
        "TODO";
    Class "create.topic.policy.class.name" = null, Any, Low, ReadOnly, Later:
        "TODO";
    Long "delegation.token.expiry.check.interval.ms" = "3600000", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Long "delegation.token.expiry.time.ms" = "86400000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Long "delegation.token.max.lifetime.ms" = "604800000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Password "delegation.token.secret.key" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Class "principal.builder.class" = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, Medium, PerBroker, Later:
        "TODO";
    Class "sasl.client.callback.handler.class" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    List "sasl.enabled.mechanisms" = "GSSAPI", Any, Medium, PerBroker, Later:
        "TODO";
    Password "sasl.jaas.config" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "sasl.kerberos.kinit.cmd" = "/usr/bin/kinit", Any, Medium, PerBroker, Later:
        "TODO";
    Long "sasl.kerberos.min.time.before.relogin" = "60000", Any, Medium, PerBroker, Later:
        "TODO";
    List "sasl.kerberos.principal.to.local.rules" = "DEFAULT", Any, Medium, PerBroker, Later:
        "TODO";
    String "sasl.kerberos.service.name" = null, Any, Medium, PerBroker, Later:
        "TODO";
    Double "sasl.kerberos.ticket.renew.jitter" = "0.05", Any, Medium, PerBroker, Later:
        "TODO";
    Double "sasl.kerberos.ticket.renew.window.factor" = "0.8", Any, Medium, PerBroker, Later:
        "TODO";
    Class "sasl.login.callback.handler.class" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Class "sasl.login.class" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Int "sasl.login.connect.timeout.ms" = null, Any, Low, ReadOnly, Later:
        "TODO";
    Int "sasl.login.read.timeout.ms" = null, Any, Low, ReadOnly, Later:
        "TODO";
    Short "sasl.login.refresh.buffer.seconds" = "300", Any, Medium, PerBroker, Later:
        "TODO";
    Short "sasl.login.refresh.min.period.seconds" = "60", Any, Medium, PerBroker, Later:
        "TODO";
    Double "sasl.login.refresh.window.factor" = "0.8", Any, Medium, PerBroker, Later:
        "TODO";
    Double "sasl.login.refresh.window.jitter" = "0.05", Any, Medium, PerBroker, Later:
        "TODO";
    Long "sasl.login.retry.backoff.max.ms" = "10000", Any, Low, ReadOnly, Later:
        "TODO";
    Long "sasl.login.retry.backoff.ms" = "100", Any, Low, ReadOnly, Later:
        "TODO";
    String "sasl.mechanism.controller.protocol" = "GSSAPI", Any, High, ReadOnly, Later:
        "TODO";
    String "sasl.mechanism.inter.broker.protocol" = "GSSAPI", Any, Medium, PerBroker, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.algorithm" = "RS256", OneOfAnyCase(&["ES256", "RS256"]), Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.claim.aud" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Int "sasl.oauthbearer.assertion.claim.exp.seconds" = "300", Between(0, 86400), Low, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.claim.iss" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Boolean "sasl.oauthbearer.assertion.claim.jti.include" = "false", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "sasl.oauthbearer.assertion.claim.nbf.seconds" = "60", Between(0, 3600), Low, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.claim.sub" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.file" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.private.key.file" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Password "sasl.oauthbearer.assertion.private.key.passphrase" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.assertion.template.file" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.client.credentials.client.id" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Password "sasl.oauthbearer.client.credentials.client.secret" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Int "sasl.oauthbearer.clock.skew.seconds" = "30", Any, Low, ReadOnly, Later:
        "TODO";
    List "sasl.oauthbearer.expected.audience" = "", Any, High, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.expected.issuer" = null, Any, High, ReadOnly, Later:
        "TODO";
    Long "sasl.oauthbearer.jwks.endpoint.refresh.ms" = "3600000", Any, Low, ReadOnly, Later:
        "TODO";
    Long "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms" = "10000", Any, Low, ReadOnly, Later:
        "TODO";
    Long "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms" = "100", Any, Low, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.jwks.endpoint.url" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Class "sasl.oauthbearer.jwt.retriever.class" = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Any, Medium, ReadOnly, Later:
        "TODO";
    Class "sasl.oauthbearer.jwt.validator.class" = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Any, Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.scope" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.scope.claim.name" = "scope", Any, Low, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.sub.claim.name" = "sub", Any, Low, ReadOnly, Later:
        "TODO";
    String "sasl.oauthbearer.token.endpoint.url" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Class "sasl.server.callback.handler.class" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Int "sasl.server.max.receive.size" = "524288", Any, Medium, ReadOnly, Later:
        "TODO";
    String "security.inter.broker.protocol" = "PLAINTEXT", OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly, Later:
        "TODO";
    String "security.providers" = null, Any, Low, ReadOnly, Later:
        "TODO";
    Boolean "ssl.allow.dn.changes" = "false", Any, Low, ReadOnly, Later:
        "TODO";
    Boolean "ssl.allow.san.changes" = "false", Any, Low, ReadOnly, Later:
        "TODO";
    List "ssl.cipher.suites" = "", Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.client.auth" = "none", OneOf(&["required", "requested", "none"]), Medium, PerBroker, Later:
        "TODO";
    List "ssl.enabled.protocols" = "TLSv1.2,TLSv1.3", Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.endpoint.identification.algorithm" = "https", Any, Low, PerBroker, Later:
        "TODO";
    Class "ssl.engine.factory.class" = null, Any, Low, PerBroker, Later:
        "TODO";
    Password "ssl.key.password" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.keymanager.algorithm" = "SunX509", Any, Medium, PerBroker, Later:
        "TODO";
    Password "ssl.keystore.certificate.chain" = null, Any, Medium, PerBroker, Later:
        "TODO";
    Password "ssl.keystore.key" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.keystore.location" = null, Any, Medium, PerBroker, Later:
        "TODO";
    Password "ssl.keystore.password" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.keystore.type" = "JKS", Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.principal.mapping.rules" = "DEFAULT", Any, Low, ReadOnly, Later:
        "TODO";
    String "ssl.protocol" = "TLSv1.3", Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.provider" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.secure.random.implementation" = null, Any, Low, PerBroker, Later:
        "TODO";
    String "ssl.trustmanager.algorithm" = "PKIX", Any, Medium, PerBroker, Later:
        "TODO";
    Password "ssl.truststore.certificates" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.truststore.location" = null, Any, Medium, PerBroker, Later:
        "TODO";
    Password "ssl.truststore.password" = null, Any, Medium, PerBroker, Later:
        "TODO";
    String "ssl.truststore.type" = "JKS", Any, Medium, PerBroker, Later:
        "TODO";
}
