-- Many bare awards at once: known events are answered from what is recorded, the rest is written set by set.
-- p_rows: [{n, member, points, source, external_id, occurred_at, last_day, lapses_at, note}]
-- The settings: these statements always go by keys, for one row as for five hundred. A plan made while
-- tables were empty must not pin a scan in a connection, and planning anew each time costs more than running.
CREATE FUNCTION award_points_many(p_tenant uuid, p_rows jsonb, p_rules int, p_actor text, p_key text, p_body bytea)
RETURNS TABLE (n int, status text, entry_id uuid, points bigint, balance bigint, last_day date)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
AS $$
#variable_conflict use_column
DECLARE v_members uuid[]; v_new bigint; v_wanted bigint;
BEGIN
  PERFORM enter_tenant(p_tenant);
  IF p_key IS NOT NULL THEN
    INSERT INTO idempotency_keys (tenant_id, key, body_hash) VALUES (p_tenant, p_key, p_body)
      ON CONFLICT (tenant_id, key) DO NOTHING;
    IF NOT FOUND AND EXISTS (SELECT FROM idempotency_keys i
        WHERE i.tenant_id = p_tenant AND i.key = p_key AND i.body_hash <> p_body) THEN
      RETURN QUERY SELECT NULL::int, 'key_reused'::text, NULL::uuid, NULL::bigint, NULL::bigint, NULL::date;
      RETURN;
    END IF;
  END IF;

  -- Name the member by id, so that the rest joins on one thing.
  SELECT coalesce(jsonb_agg(to_jsonb(r) || jsonb_build_object('mid', coalesce(m.id, c.member_id),
           'entry_id', new_id(), 'lot_id', new_id()) ORDER BY r.n), '[]'),
         array_agg(DISTINCT coalesce(m.id, c.member_id)) FILTER (WHERE coalesce(m.id, c.member_id) IS NOT NULL)
    INTO p_rows, v_members
    FROM jsonb_to_recordset(p_rows) AS r(n int, member text, points bigint, source text, external_id text,
           occurred_at timestamptz, last_day date, lapses_at timestamptz, note text)
    LEFT JOIN members m ON m.tenant_id = p_tenant AND m.number = r.member AND m.status <> 'withdrawn'
    LEFT JOIN cards c ON m.id IS NULL AND c.tenant_id = p_tenant AND c.number = r.member AND c.status = 'active';

  PERFORM 1 FROM point_accounts a WHERE a.tenant_id = p_tenant AND a.member_id = ANY (v_members)
    ORDER BY a.member_id FOR NO KEY UPDATE;

  WITH r AS (
    SELECT DISTINCT ON (x.source, x.external_id) x.*
      FROM jsonb_to_recordset(p_rows) AS x(n int, mid uuid, points bigint, source text, external_id text,
             occurred_at timestamptz, last_day date, lapses_at timestamptz, note text, entry_id uuid, lot_id uuid)
      WHERE x.mid IS NOT NULL
      ORDER BY x.source, x.external_id, x.n
  ), f AS (
    SELECT r.*, a.balance + sum(r.points) OVER (PARTITION BY r.mid ORDER BY r.occurred_at, r.n) AS after
      FROM r LEFT JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = r.mid
      WHERE NOT EXISTS (SELECT FROM entries k WHERE k.tenant_id = p_tenant AND k.source = r.source
        AND k.external_id = r.external_id AND k.kind = 'award' AND k.line = 0)
  ), e AS (
    INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at,
                         source, external_id, lot_id, note)
      SELECT p_tenant, f.entry_id, f.mid, 'award', f.points, f.after, f.occurred_at, f.occurred_at,
             f.source, f.external_id, f.lot_id, f.note FROM f ORDER BY f.source, f.external_id
      ON CONFLICT (tenant_id, source, external_id, kind, line) DO NOTHING
      RETURNING id
  ), l AS (
    INSERT INTO lots (tenant_id, id, member_id, points, remaining, last_day, lapses_at, occurred_at, rule_version)
      SELECT p_tenant, f.lot_id, f.mid, f.points, f.points, f.last_day, f.lapses_at, f.occurred_at, p_rules
      FROM f
  ), v AS (
    INSERT INTO events (tenant_id, kind, occurred_at, actor, payload)
      SELECT p_tenant, 'points.awarded', f.occurred_at, p_actor, jsonb_build_object(
        'member_id', f.mid, 'entry_id', f.entry_id, 'points', f.points, 'balance', f.after,
        'source', f.source, 'external_id', f.external_id) FROM f
  ), u AS (
    UPDATE point_accounts a SET balance = a.balance + s.points
      FROM (SELECT f.mid, sum(f.points) AS points FROM f GROUP BY f.mid) s
      WHERE a.tenant_id = p_tenant AND a.member_id = s.mid AND a.member_id = ANY (v_members)
  )
  SELECT (SELECT count(*) FROM e), (SELECT count(*) FROM f) INTO v_new, v_wanted;
  IF v_new <> v_wanted THEN
    -- Somebody booked one of these events for another member at this very moment.
    RAISE EXCEPTION 'concurrent award of the same event' USING ERRCODE = 'serialization_failure';
  END IF;

  RETURN QUERY
    SELECT x.n,
      CASE WHEN x.mid IS NULL THEN 'unknown_member' WHEN k.id = x.entry_id THEN 'new'
           WHEN k.member_id = x.mid AND k.points = x.points THEN 'unchanged' ELSE 'event_differs' END,
      k.id, k.points, k.balance_after, l.last_day
    FROM jsonb_to_recordset(p_rows) AS x(n int, mid uuid, points bigint, source text, external_id text, entry_id uuid)
    LEFT JOIN entries k ON x.mid IS NOT NULL AND k.tenant_id = p_tenant AND k.source = x.source
      AND k.external_id = x.external_id AND k.kind = 'award' AND k.line = 0
    LEFT JOIN lots l ON l.tenant_id = p_tenant AND l.id = k.lot_id
    ORDER BY x.n;
END $$
