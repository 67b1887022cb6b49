-- Writes entries that take from lots or give back to them: reversals, restores, adjustments.
-- p_entries: [{id, member_id, kind, points, occurred_at, value_at, source, external_id, line, lot_id, note}]
-- p_takes:   [{entry_id, lot_id, points}], signed like the entry.
-- The caller has locked the accounts and decided by loyalty/points/rules.py; the checks on lots and
-- accounts refuse what would overdraw.
CREATE FUNCTION post_entries(p_tenant uuid, p_entries jsonb, p_takes jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE v_written bigint;
BEGIN
  PERFORM enter_tenant(p_tenant);
  PERFORM 1 FROM point_accounts a WHERE a.tenant_id = p_tenant
      AND a.member_id IN (SELECT DISTINCT (x ->> 'member_id')::uuid FROM jsonb_array_elements(p_entries) x)
    ORDER BY a.member_id FOR NO KEY UPDATE;
  WITH x AS (
    SELECT r.*, row_number() OVER () AS n
      FROM jsonb_to_recordset(p_entries) AS r(id uuid, member_id uuid, kind text, points bigint,
        occurred_at timestamptz, value_at timestamptz, source text, external_id text, line int, lot_id uuid, note text)
  ), e AS (
    INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at, source,
                         external_id, line, lot_id, note)
      SELECT p_tenant, x.id, x.member_id, x.kind, x.points,
             a.balance + sum(x.points) OVER (PARTITION BY x.member_id ORDER BY x.n),
             x.occurred_at, x.value_at, x.source, x.external_id, x.line, x.lot_id, x.note
      FROM x JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = x.member_id ORDER BY x.n
      RETURNING 1
  ), u AS (
    UPDATE point_accounts a SET balance = a.balance + s.points
      FROM (SELECT x.member_id, sum(x.points) AS points FROM x GROUP BY x.member_id) s
      WHERE a.tenant_id = p_tenant AND a.member_id = s.member_id
  )
  SELECT count(*) INTO v_written FROM e;
  WITH t AS (
    INSERT INTO allocations (tenant_id, entry_id, lot_id, points)
      SELECT p_tenant, r.entry_id, r.lot_id, r.points
      FROM jsonb_to_recordset(p_takes) AS r(entry_id uuid, lot_id uuid, points bigint)
      RETURNING lot_id, points
  )
  UPDATE lots l SET remaining = l.remaining + s.points
    FROM (SELECT t.lot_id, sum(t.points) AS points FROM t GROUP BY t.lot_id) s
    WHERE l.tenant_id = p_tenant AND l.id = s.lot_id;
  RETURN v_written;
END $$
