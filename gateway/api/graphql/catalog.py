"""Bouquets. A public contract, written out by hand."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import argument, field
from gateway.api.graphql.names import in_arguments
from gateway.api.graphql.subscription_types import Bouquet
from gateway.api.rest import bouquets as rest
from gateway.domain.errors import InvalidRequest


@strawberry.type
class CatalogQueries:
    """What can be asked of the catalogue."""

    @field
    async def bouquets(
        self,
        info: Info,
        panel_id: Annotated[strawberry.ID | None, argument("Of this panel only.")] = None,
    ) -> list[Bouquet]:
        """The bouquets that you may use, by panel and number."""
        pairs = () if panel_id is None else (("panel_id", str(panel_id)),)
        try:
            query = rest.BouquetQuery.of(pairs)
        except InvalidRequest as error:
            raise in_arguments(error, "") from None
        page = await rest.list_bouquets.endpoint(info.context.reading, query=query)
        return list(page.items)
