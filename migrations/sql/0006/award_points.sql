-- One bare award in one round trip: account, entry, lot and event, or the first answer again.
-- The account is moved first, because the entry carries the balance after it; where the business
-- event turns out to be known, the move is taken back before anybody can see it.
-- The settings: these statements always go by keys, for one row as for five hundred. A plan made while
-- tables were empty must not pin a scan in a connection, and planning anew each time costs more than running.
CREATE FUNCTION award_points(
  p_tenant uuid, p_member text, p_points bigint, p_source text, p_external_id text,
  p_occurred_at timestamptz, p_last_day date, p_lapses_at timestamptz, p_rules int,
  p_actor text, p_note text, p_key text, p_body bytea,
  OUT status text, OUT entry_id uuid, OUT points bigint, OUT balance bigint, OUT last_day date
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
AS $$
DECLARE v_member uuid; v_known record;
BEGIN
  PERFORM enter_tenant(p_tenant);
  IF p_key IS NOT NULL THEN
    INSERT INTO idempotency_keys (tenant_id, key, body_hash) VALUES (p_tenant, p_key, p_body)
      ON CONFLICT (tenant_id, key) DO NOTHING;
    IF NOT FOUND AND EXISTS (SELECT FROM idempotency_keys i
        WHERE i.tenant_id = p_tenant AND i.key = p_key AND i.body_hash <> p_body) THEN
      status := 'key_reused';
      RETURN;
    END IF;
  END IF;

  WITH a AS (
    UPDATE point_accounts t SET balance = t.balance + p_points
      WHERE t.tenant_id = p_tenant AND t.member_id = (SELECT m.id FROM members m
        WHERE m.tenant_id = p_tenant AND m.number = p_member AND m.status <> 'withdrawn')
      RETURNING t.member_id, t.balance
  ), e AS (
    INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at,
                         source, external_id, lot_id, note)
      SELECT p_tenant, new_id(), a.member_id, 'award', p_points, a.balance, p_occurred_at, p_occurred_at,
             p_source, p_external_id, new_id(), p_note FROM a
      ON CONFLICT (tenant_id, source, external_id, kind, line) DO NOTHING
      RETURNING id, lot_id, member_id, balance_after
  ), l AS (
    INSERT INTO lots (tenant_id, id, member_id, points, remaining, last_day, lapses_at, occurred_at, rule_version)
      SELECT p_tenant, e.lot_id, e.member_id, p_points, p_points, p_last_day, p_lapses_at, p_occurred_at, p_rules
      FROM e
  ), v AS (
    INSERT INTO events (tenant_id, kind, occurred_at, actor, payload)
      SELECT p_tenant, 'points.awarded', p_occurred_at, p_actor, jsonb_build_object(
        'member_id', e.member_id, 'entry_id', e.id, 'points', p_points, 'balance', e.balance_after,
        'source', p_source, 'external_id', p_external_id) FROM e
  )
  SELECT a.member_id, e.id, e.balance_after INTO v_member, entry_id, balance FROM a LEFT JOIN e ON true;

  points := p_points;
  last_day := p_last_day;
  IF entry_id IS NOT NULL THEN
    status := 'new';
    RETURN;
  END IF;
  IF v_member IS NULL THEN
    -- Not a member's number; perhaps a card's.
    SELECT m.number INTO p_member FROM cards c
      JOIN members m ON m.tenant_id = p_tenant AND m.id = c.member_id AND m.status <> 'withdrawn'
      WHERE c.tenant_id = p_tenant AND c.number = p_member AND c.status = 'active' AND m.number <> p_member;
    IF FOUND THEN
      SELECT r.* INTO status, entry_id, points, balance, last_day
        FROM award_points(p_tenant, p_member, p_points, p_source, p_external_id, p_occurred_at, p_last_day,
                          p_lapses_at, p_rules, p_actor, p_note, NULL, NULL) r;
    ELSE
      status := 'unknown_member';
      DELETE FROM idempotency_keys i WHERE i.tenant_id = p_tenant AND i.key = p_key;
    END IF;
    RETURN;
  END IF;

  UPDATE point_accounts t SET balance = t.balance - p_points
    WHERE t.tenant_id = p_tenant AND t.member_id = v_member;
  SELECT k.id, k.member_id, k.points, k.balance_after, l.last_day INTO v_known
    FROM entries k JOIN lots l ON l.tenant_id = p_tenant AND l.id = k.lot_id
    WHERE k.tenant_id = p_tenant AND k.source = p_source AND k.external_id = p_external_id
      AND k.kind = 'award' AND k.line = 0;
  status := CASE WHEN v_known.member_id = v_member AND v_known.points = p_points
    THEN 'unchanged' ELSE 'event_differs' END;
  entry_id := v_known.id; points := v_known.points; balance := v_known.balance_after; last_day := v_known.last_day;
END $$
