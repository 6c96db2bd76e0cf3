//! Broker configs: TLS, SASL, authorisation, policies.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Class "alter.config.policy.class.name" = null, Any, Low, ReadOnly, Inapplicable:
        "A Java class that judges changed configs.";
    String "authorizer.class.name" = "", Any, Low, ReadOnly, Later:
        "What decides who may do what; empty allows everything.";
    Int "connection.failed.authentication.delay.ms" = "100", AtLeast(0), Low, ReadOnly, Later:
        "How long a failed login is kept waiting.";
    Long "connections.max.reauth.ms" = "0", Any, Medium, ReadOnly, Later:
        "How long a login lasts; 0 for as long as the connection.";
    Class "create.topic.policy.class.name" = null, Any, Low, ReadOnly, Inapplicable:
        "A Java class that judges new topics.";
    Long "delegation.token.expiry.check.interval.ms" = "3600000", AtLeast(1), Low, ReadOnly, Later:
        "How often outdated delegation tokens are looked for.";
    Long "delegation.token.expiry.time.ms" = "86400000", AtLeast(1), Medium, ReadOnly, Later:
        "How long a delegation token lasts between renewals.";
    Long "delegation.token.max.lifetime.ms" = "604800000", AtLeast(1), Medium, ReadOnly, Later:
        "How long a delegation token lasts at most.";
    Password "delegation.token.secret.key" = null, Any, Medium, ReadOnly, Later:
        "The secret that delegation tokens are signed with.";
    Class "principal.builder.class" = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
        Any,
        Medium, PerBroker, Inapplicable:
        "A Java class that names who connected.";
    Class "sasl.client.callback.handler.class" = null, Any, Medium, ReadOnly, Inapplicable:
        "A Java class for logins to other nodes.";
    List "sasl.enabled.mechanisms" = "GSSAPI", Any, Medium, PerBroker, Later:
        "Ways to log in.";
    Password "sasl.jaas.config" = null, Any, Medium, PerBroker, Later:
        "Logins in the JAAS format.";
    String "sasl.kerberos.kinit.cmd" = "/usr/bin/kinit", Any, Medium, PerBroker, Later:
        "Where `kinit` is found.";
    Long "sasl.kerberos.min.time.before.relogin" = "60000", Any, Medium, PerBroker, Later:
        "The least time between two Kerberos logins.";
    List "sasl.kerberos.principal.to.local.rules" = "DEFAULT", Any, Medium, PerBroker, Later:
        "How Kerberos names become user names.";
    String "sasl.kerberos.service.name" = null, Any, Medium, PerBroker, Later:
        "The Kerberos name of the service.";
    Double "sasl.kerberos.ticket.renew.jitter" = "0.05", Any, Medium, PerBroker, Later:
        "Chance part of the Kerberos renewal time.";
    Double "sasl.kerberos.ticket.renew.window.factor" = "0.8", Any, Medium, PerBroker, Later:
        "Renew a Kerberos ticket after this part of its life.";
    Class "sasl.login.callback.handler.class" = null, Any, Medium, ReadOnly, Inapplicable:
        "A Java class for logins.";
    Class "sasl.login.class" = null, Any, Medium, ReadOnly, Inapplicable:
        "A Java class for logins.";
    Int "sasl.login.connect.timeout.ms" = null, Any, Low, ReadOnly, Later:
        "How long to wait for a connection to the token provider.";
    Int "sasl.login.read.timeout.ms" = null, Any, Low, ReadOnly, Later:
        "How long to wait for an answer of the token provider.";
    Short "sasl.login.refresh.buffer.seconds" = "300", Any, Medium, PerBroker, Later:
        "Renew a token at the latest this long before it ends.";
    Short "sasl.login.refresh.min.period.seconds" = "60", Any, Medium, PerBroker, Later:
        "The least time between two renewals of a token.";
    Double "sasl.login.refresh.window.factor" = "0.8", Any, Medium, PerBroker, Later:
        "Renew a token after this part of its life.";
    Double "sasl.login.refresh.window.jitter" = "0.05", Any, Medium, PerBroker, Later:
        "Chance part of the token's renewal time.";
    Long "sasl.login.retry.backoff.max.ms" = "10000", Any, Low, ReadOnly, Later:
        "The longest pause before the token provider is asked again.";
    Long "sasl.login.retry.backoff.ms" = "100", Any, Low, ReadOnly, Later:
        "The first such pause.";
    String "sasl.mechanism.controller.protocol" = "GSSAPI", Any, High, ReadOnly, Later:
        "How to log in to controllers.";
    String "sasl.mechanism.inter.broker.protocol" = "GSSAPI", Any, Medium, PerBroker, Later:
        "How brokers log in to each other.";
    String "sasl.oauthbearer.assertion.algorithm" = "RS256", OneOfAnyCase(&["ES256", "RS256"]),
        Medium, ReadOnly, Later:
        "How assertions to the token provider are signed.";
    String "sasl.oauthbearer.assertion.claim.aud" = null, Any, Medium, ReadOnly, Later:
        "The audience that assertions name.";
    Int "sasl.oauthbearer.assertion.claim.exp.seconds" = "300", Between(0, 86400),
        Low, ReadOnly, Later:
        "How long assertions last.";
    String "sasl.oauthbearer.assertion.claim.iss" = null, Any, Medium, ReadOnly, Later:
        "The issuer that assertions name.";
    Boolean "sasl.oauthbearer.assertion.claim.jti.include" = "false", Any, Medium, ReadOnly, Later:
        "Give each assertion an id.";
    Int "sasl.oauthbearer.assertion.claim.nbf.seconds" = "60", Between(0, 3600),
        Low, ReadOnly, Later:
        "How far back assertions begin to hold.";
    String "sasl.oauthbearer.assertion.claim.sub" = null, Any, Medium, ReadOnly, Later:
        "The subject that assertions name.";
    String "sasl.oauthbearer.assertion.file" = null, Any, Medium, ReadOnly, Later:
        "A file with a ready-made assertion.";
    String "sasl.oauthbearer.assertion.private.key.file" = null, Any, Medium, ReadOnly, Later:
        "The key that assertions are signed with.";
    Password "sasl.oauthbearer.assertion.private.key.passphrase" = null, Any,
        Medium, ReadOnly, Later:
        "What unlocks that key.";
    String "sasl.oauthbearer.assertion.template.file" = null, Any, Medium, ReadOnly, Later:
        "A file with fixed parts of assertions.";
    String "sasl.oauthbearer.client.credentials.client.id" = null, Any, Medium, ReadOnly, Later:
        "The id to ask the token provider with.";
    Password "sasl.oauthbearer.client.credentials.client.secret" = null, Any,
        Medium, ReadOnly, Later:
        "The secret to ask the token provider with.";
    Int "sasl.oauthbearer.clock.skew.seconds" = "30", Any, Low, ReadOnly, Later:
        "How far clocks may differ when tokens are checked.";
    List "sasl.oauthbearer.expected.audience" = "", Any, High, ReadOnly, Later:
        "Audiences that a token may be for.";
    String "sasl.oauthbearer.expected.issuer" = null, Any, High, ReadOnly, Later:
        "Who must have issued a token.";
    Long "sasl.oauthbearer.jwks.endpoint.refresh.ms" = "3600000", Any, Low, ReadOnly, Later:
        "How often the provider's keys are fetched anew.";
    Long "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms" = "10000", Any, Low, ReadOnly, Later:
        "The longest pause before keys are fetched again.";
    Long "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms" = "100", Any, Low, ReadOnly, Later:
        "The first such pause.";
    String "sasl.oauthbearer.jwks.endpoint.url" = null, Any, Medium, ReadOnly, Later:
        "Where the provider's keys are.";
    Class "sasl.oauthbearer.jwt.retriever.class" = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
        Any,
        Medium, ReadOnly, Inapplicable:
        "A Java class that fetches tokens.";
    Class "sasl.oauthbearer.jwt.validator.class" = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
        Any,
        Medium, ReadOnly, Inapplicable:
        "A Java class that checks tokens.";
    String "sasl.oauthbearer.scope.claim.name" = "scope", Any, Low, ReadOnly, Later:
        "What the scope is called in tokens.";
    String "sasl.oauthbearer.scope" = null, Any, Medium, ReadOnly, Later:
        "The scope to ask the token provider for.";
    String "sasl.oauthbearer.sub.claim.name" = "sub", Any, Low, ReadOnly, Later:
        "What the subject is called in tokens.";
    String "sasl.oauthbearer.token.endpoint.url" = null, Any, Medium, ReadOnly, Later:
        "Where tokens are fetched.";
    Class "sasl.server.callback.handler.class" = null, Any, Medium, ReadOnly, Inapplicable:
        "A Java class that checks logins.";
    Int "sasl.server.max.receive.size" = "524288", Any, Medium, ReadOnly, Later:
        "The largest message of a login.";
    String "security.inter.broker.protocol" = "PLAINTEXT",
        OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
        Medium, ReadOnly, Works:
        "The protocol between brokers, where no listener is named for it.";
    String "security.providers" = null, Any, Low, ReadOnly, Inapplicable:
        "Java classes.";
    Boolean "ssl.allow.dn.changes" = "false", Any, Low, ReadOnly, Later:
        "Let a new certificate carry another name.";
    Boolean "ssl.allow.san.changes" = "false", Any, Low, ReadOnly, Later:
        "Let a new certificate carry other alternative names.";
    List "ssl.cipher.suites" = "", Any, Medium, PerBroker, Later:
        "Ciphers that TLS may use; empty for all.";
    String "ssl.client.auth" = "none", OneOf(&["required", "requested", "none"]),
        Medium, PerBroker, Later:
        "Whether clients must, may or need not show a certificate.";
    List "ssl.enabled.protocols" = "TLSv1.2,TLSv1.3", Any, Medium, PerBroker, Later:
        "Versions of TLS.";
    String "ssl.endpoint.identification.algorithm" = "https", Any, Low, PerBroker, Later:
        "How the name in another node's certificate is checked.";
    Class "ssl.engine.factory.class" = null, Any, Low, PerBroker, Inapplicable:
        "A Java class.";
    Password "ssl.key.password" = null, Any, Medium, PerBroker, Later:
        "What unlocks the private key.";
    String "ssl.keymanager.algorithm" = "SunX509", Any, Medium, PerBroker, Inapplicable:
        "Part of Java's TLS.";
    Password "ssl.keystore.certificate.chain" = null, Any, Medium, PerBroker, Later:
        "The certificates, as text.";
    Password "ssl.keystore.key" = null, Any, Medium, PerBroker, Later:
        "The private key, as text.";
    String "ssl.keystore.location" = null, Any, Medium, PerBroker, Later:
        "The file with certificates and key.";
    Password "ssl.keystore.password" = null, Any, Medium, PerBroker, Later:
        "What unlocks that file.";
    String "ssl.keystore.type" = "JKS", Any, Medium, PerBroker, Later:
        "The format of that file.";
    String "ssl.principal.mapping.rules" = "DEFAULT", Any, Low, ReadOnly, Later:
        "How names in certificates become user names.";
    String "ssl.protocol" = "TLSv1.3", Any, Medium, PerBroker, Later:
        "The version of TLS to begin with.";
    String "ssl.provider" = null, Any, Medium, PerBroker, Inapplicable:
        "Part of Java's TLS.";
    String "ssl.secure.random.implementation" = null, Any, Low, PerBroker, Inapplicable:
        "Part of Java's TLS.";
    String "ssl.trustmanager.algorithm" = "PKIX", Any, Medium, PerBroker, Inapplicable:
        "Part of Java's TLS.";
    Password "ssl.truststore.certificates" = null, Any, Medium, PerBroker, Later:
        "The trusted certificates, as text.";
    String "ssl.truststore.location" = null, Any, Medium, PerBroker, Later:
        "The file with trusted certificates.";
    Password "ssl.truststore.password" = null, Any, Medium, PerBroker, Later:
        "What unlocks that file.";
    String "ssl.truststore.type" = "JKS", Any, Medium, PerBroker, Later:
        "The format of that file.";
}
