/*
 * safeupdate, as hosted Supabase preloads it for the role of PostgREST (docs/vendors/supabase.md#postgrest): an UPDATE or
 * a DELETE without a WHERE clause is refused, also inside functions and inside WITH. Written after the behaviour of the
 * extension pg-safeupdate; there is nothing to create or to set up, so it is a library and no extension here.
 */
#include "postgres.h"

#include "fmgr.h"
#include "parser/analyze.h"

PG_MODULE_MAGIC;

void _PG_init(void);

static post_parse_analyze_hook_type previous_hook = NULL;

static void
refuse_without_where(Query *query)
{
	ListCell   *cell;

	foreach(cell, query->cteList)
	{
		CommonTableExpr *expression = lfirst_node(CommonTableExpr, cell);

		if (IsA(expression->ctequery, Query))
			refuse_without_where((Query *) expression->ctequery);
	}

	if (query->jointree == NULL || query->jointree->quals != NULL)
		return;
	if (query->commandType == CMD_DELETE)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION), errmsg("DELETE requires a WHERE clause")));
	if (query->commandType == CMD_UPDATE)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION), errmsg("UPDATE requires a WHERE clause")));
}

static void
after_analysis(ParseState *state, Query *query, JumbleState *jumble)
{
	refuse_without_where(query);
	if (previous_hook)
		previous_hook(state, query, jumble);
}

void
_PG_init(void)
{
	previous_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = after_analysis;
}
