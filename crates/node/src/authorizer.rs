//! Who may do what: asked by every handler, even while the answer is always yes.

use crate::context::RequestContext;

/// What a request wants to do to a resource, in Kafka's words (KIP-11 and successors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are Kafka's and say it all")]
pub enum Operation {
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
}

impl Operation {
    /// The operation's number in authorized-operations bit fields and in ACLs.
    pub const fn code(self) -> u8 {
        match self {
            Operation::Read => 3,
            Operation::Write => 4,
            Operation::Create => 5,
            Operation::Delete => 6,
            Operation::Alter => 7,
            Operation::Describe => 8,
            Operation::ClusterAction => 9,
            Operation::DescribeConfigs => 10,
            Operation::AlterConfigs => 11,
            Operation::IdempotentWrite => 12,
        }
    }
}

/// What an operation is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The cluster as a whole.
    Cluster,
    /// A topic by name.
    Topic(&'a str),
    /// A transactional id.
    TransactionalId(&'a str),
    /// A consumer group by id.
    Group(&'a str),
}

/// The verdict on one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// It must be answered with the resource's authorization error.
    Denied,
}

/// Decides on every operation of every request.
pub trait Authorizer: Send + Sync {
    /// Whether whoever stands behind `context` may do `operation` to `resource`.
    fn authorize(
        &self,
        context: &RequestContext,
        operation: Operation,
        resource: Resource<'_>,
    ) -> Verdict;
}

/// Allows everything: what Kafka does without an authorizer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn authorize(&self, _: &RequestContext, _: Operation, _: Resource<'_>) -> Verdict {
        Verdict::Allowed
    }
}

/// The bit field of allowed operations that Metadata, DescribeCluster and others report.
pub fn authorized_operations(
    authorizer: &dyn Authorizer,
    context: &RequestContext,
    resource: Resource<'_>,
) -> i32 {
    supported_operations(resource)
        .iter()
        .filter(|operation| {
            authorizer.authorize(context, **operation, resource) == Verdict::Allowed
        })
        .fold(0, |bits, operation| bits | 1 << operation.code())
}

/// The operations that make sense for a kind of resource, as Kafka's `AclEntry` lists them.
const fn supported_operations(resource: Resource<'_>) -> &'static [Operation] {
    use Operation::*;
    match resource {
        Resource::Cluster => &[
            Create,
            ClusterAction,
            DescribeConfigs,
            AlterConfigs,
            IdempotentWrite,
            Alter,
            Describe,
        ],
        Resource::Topic(_) => {
            &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs]
        }
        Resource::TransactionalId(_) => &[Describe, Write],
        Resource::Group(_) => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_fields_are_those_that_kafka_reports_without_an_authorizer() {
        let context = RequestContext::for_tests();
        let bits = |resource| authorized_operations(&AllowAll, &context, resource);
        assert_eq!(bits(Resource::Topic("t")), 3576, "as seen from Apache Kafka");
        assert_eq!(bits(Resource::Cluster), 8096);
    }
}
