"""The rules of validation in two rounds: only documents that pass the first meet the dear ones."""

from __future__ import annotations

from typing import Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.api.graphql.refusals import ERRORS_MAX


class OneOfRule(OneOfInputValidationRule):
    """Strawberry's rule, which otherwise fails on a fragment that stands before its operation.

    It looks variables up that it has not met yet. Of two operations with one variable the last
    counts; execution checks the value itself once more.
    """

    def __init__(self, validation_context: ValidationContext) -> None:
        super().__init__(validation_context)
        self.variable_definitions = {
            definition.variable.name.value: definition
            for node in validation_context.document.definitions
            if isinstance(node, OperationDefinitionNode)
            for definition in node.variable_definitions or ()
        }

    def enter_operation_definition(self, *_args: object) -> None:
        """Keep the variables of all operations."""


#: Compares each field with all of the same name: quadratic, where all others are linear.
DEAR_RULES: Final[tuple[type[ASTValidationRule], ...]] = (OverlappingFieldsCanBeMergedRule,)
#: Those of Strawberry take for granted that the document is valid otherwise.
SECOND_RULES: Final = (*DEAR_RULES, MaybeNullValidationRule, OneOfRule)
FIRST_RULES: Final = tuple(rule for rule in specified_rules if rule not in DEAR_RULES)


def errors_of(
    schema: GraphQLSchema, document: DocumentNode, *, may_introspect: bool
) -> list[GraphQLError]:
    """Return what is wrong with *document*, up to `ERRORS_MAX` and one that says so.

    Names from the schema are suggested only to those who may read it.
    """
    for rules in (FIRST_RULES, SECOND_RULES):
        errors = validate(
            schema, document, rules, max_errors=ERRORS_MAX, hide_suggestions=not may_introspect
        )
        if errors:
            return errors
    return []
