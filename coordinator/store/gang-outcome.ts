/** How an attempt on several nodes ended as a whole, for those who read it from the store. */

/**
 * SQL for the outcome (JSON) of the attempt `a`: its own, or, of one on several nodes, that of the rank which decides as `deciding` of
 * the core has it, once all have ended.
 */
export const OUTCOME_OF_ALL_RANKS = `CASE WHEN a.gang_first IS NULL THEN a.outcome_json ELSE (
  SELECT g.outcome_json FROM attempts g WHERE g.gang_first = a.gang_first
    AND NOT EXISTS (SELECT 1 FROM attempts l WHERE l.gang_first = a.gang_first AND l.outcome_json IS NULL)
  ORDER BY CASE WHEN g.outcome_json ->> 'kind' = 'lost' THEN 3 WHEN g.stopping = 'peer' THEN 0
    WHEN g.outcome_json ->> 'kind' = 'succeeded' THEN 1 ELSE 2 END DESC, g.finished_at, g.fence LIMIT 1) END`;
