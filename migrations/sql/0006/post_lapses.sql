-- Posts what lapsed by p_as_of and was not posted yet, for at most p_limit lots; returns how many.
-- The entries carry the lapse as their value date, so that it does not matter when this runs.
CREATE FUNCTION post_lapses(p_tenant uuid, p_as_of timestamptz, p_limit int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE v_lots uuid[]; v_members uuid[]; v_done bigint;
BEGIN
  PERFORM enter_tenant(p_tenant);
  SELECT array_agg(d.id), array_agg(DISTINCT d.member_id) INTO v_lots, v_members
    FROM (SELECT l.id, l.member_id FROM lots l
      WHERE l.tenant_id = p_tenant AND l.remaining > 0 AND l.lapses_at <= p_as_of
      ORDER BY l.lapses_at LIMIT p_limit) d;
  IF v_lots IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM 1 FROM point_accounts a WHERE a.tenant_id = p_tenant AND a.member_id = ANY (v_members)
    ORDER BY a.member_id FOR NO KEY UPDATE;
  WITH due AS (
    SELECT l.id, l.member_id, l.remaining, l.lapses_at, new_id() AS entry_id,
           (SELECT count(*) FROM allocations t WHERE t.tenant_id = p_tenant AND t.lot_id = l.id) AS line,
           a.balance - sum(l.remaining) OVER (PARTITION BY l.member_id ORDER BY l.lapses_at, l.occurred_at, l.id) AS after
      FROM lots l JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = l.member_id
      WHERE l.tenant_id = p_tenant AND l.id = ANY (v_lots) AND l.remaining > 0
  ), e AS (
    INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at, source,
                         external_id, line, lot_id)
      SELECT p_tenant, d.entry_id, d.member_id, 'expiry', -d.remaining, d.after, d.lapses_at, d.lapses_at, '@expiry',
             d.id::text, d.line, d.id
      FROM due d ORDER BY d.member_id, d.lapses_at, d.id
  ), t AS (
    INSERT INTO allocations (tenant_id, entry_id, lot_id, points)
      SELECT p_tenant, d.entry_id, d.id, -d.remaining FROM due d
  ), u AS (
    UPDATE lots l SET remaining = 0 FROM due d WHERE l.tenant_id = p_tenant AND l.id = d.id
  ), a AS (
    UPDATE point_accounts a SET balance = a.balance - s.points
      FROM (SELECT d.member_id, sum(d.remaining) AS points FROM due d GROUP BY d.member_id) s
      WHERE a.tenant_id = p_tenant AND a.member_id = s.member_id
  ), v AS (
    INSERT INTO events (tenant_id, kind, occurred_at, payload)
      SELECT p_tenant, 'points.expired', max(d.lapses_at), jsonb_build_object(
        'member_id', d.member_id, 'points', sum(d.remaining), 'lots', count(*))
      FROM due d GROUP BY d.member_id
  )
  SELECT count(*) INTO v_done FROM due;
  -- What somebody else posted while we waited for the accounts still counts as progress.
  RETURN greatest(v_done, 1);
END $$
