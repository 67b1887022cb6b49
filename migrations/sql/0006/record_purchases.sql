-- The one writer of purchases: for the single door, the batch door and the chunks of an import alike.
-- p_docs:  [{n, id, source, external_id, member, member_id, occurred_at, day, currency, total_minor,
--            spend_minor, hash, place, points, last_day, lapses_at, rules, lot_id, lines}]
--   lines: [{id, line_no, sku, description, quantity, unit_price, amount_minor, points}], inside their
--          document, so that a batch is expanded and never joined with itself.
-- Points, their spread and the lapse were computed by loyalty/points/rules.py; p_rules is the newest
-- rule version the caller knows, and where the programme has a newer one nothing is written.
-- Statuses: new, unchanged, event_differs, unknown_member; for the whole call key_reused, stale_rules.
-- The settings: these statements always go by keys, for one row as for five hundred. A plan made while
-- tables were empty must not pin a scan in a connection, and planning anew each time costs more than running.
CREATE FUNCTION record_purchases(p_tenant uuid, p_docs jsonb, p_rules int, p_actor text,
                                 p_import uuid, p_key text, p_body bytea)
RETURNS TABLE (n int, status text, purchase_id uuid, points bigint, balance bigint, tier_rank smallint, member_id uuid)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
AS $$
#variable_conflict use_column
DECLARE v_fresh uuid[]; v_members uuid[]; v_programme programmes;
BEGIN
  PERFORM enter_tenant(p_tenant);
  SELECT * INTO v_programme FROM programmes g WHERE g.tenant_id = p_tenant;
  IF v_programme.rule_version IS DISTINCT FROM p_rules THEN
    RETURN QUERY SELECT NULL::int, 'stale_rules'::text, NULL::uuid, NULL::bigint, NULL::bigint, NULL::smallint, NULL::uuid;
    RETURN;
  END IF;
  IF p_key IS NOT NULL THEN
    INSERT INTO idempotency_keys (tenant_id, key, body_hash) VALUES (p_tenant, p_key, p_body)
      ON CONFLICT (tenant_id, key) DO NOTHING;
    IF NOT FOUND AND EXISTS (SELECT FROM idempotency_keys i
        WHERE i.tenant_id = p_tenant AND i.key = p_key AND i.body_hash <> p_body) THEN
      RETURN QUERY SELECT NULL::int, 'key_reused'::text, NULL::uuid, NULL::bigint, NULL::bigint, NULL::smallint, NULL::uuid;
      RETURN;
    END IF;
  END IF;

  -- 1. The documents. What the unique key lets through is ours alone from here on.
  WITH d AS (
    SELECT x.*, coalesce(x.member_id, m.id, c.member_id) AS mid
      FROM jsonb_to_recordset(p_docs) AS x(n int, id uuid, source text, external_id text, member text, member_id uuid,
             occurred_at timestamptz, day date, currency text, total_minor bigint, hash text, place text)
      LEFT JOIN members m ON m.tenant_id = p_tenant AND m.number = x.member AND m.status <> 'withdrawn'
      LEFT JOIN cards c ON m.id IS NULL AND c.tenant_id = p_tenant AND c.number = x.member AND c.status = 'active'
  ), ins AS (
    INSERT INTO purchases (tenant_id, id, source, external_id, member_id, occurred_at, day, currency, total_minor,
                           content_hash, import_id, place)
      SELECT p_tenant, d.id, d.source, d.external_id, d.mid, d.occurred_at, d.day, d.currency, d.total_minor,
             decode(d.hash, 'hex'), p_import, d.place
      FROM d WHERE d.mid IS NOT NULL OR d.member IS NULL
      ORDER BY d.source, d.external_id, d.n
      ON CONFLICT (tenant_id, source, external_id) WHERE withdrawn_at IS NULL DO NOTHING
      RETURNING id, member_id
  )
  SELECT array_agg(ins.id), array_agg(DISTINCT ins.member_id) FILTER (WHERE ins.member_id IS NOT NULL)
    INTO v_fresh, v_members FROM ins;

  IF v_fresh IS NOT NULL THEN
    -- 2. Products, each once and in order of SKU so that two writers cannot wait for each other in a ring.
    INSERT INTO products (tenant_id, sku, name, import_id)
      SELECT p_tenant, l.sku, coalesce(max(l.description), ''), p_import
      FROM jsonb_to_recordset(p_docs) AS x(id uuid, lines jsonb)
      CROSS JOIN LATERAL jsonb_to_recordset(x.lines) AS l(sku text, description text)
      WHERE x.id = ANY (v_fresh)
        AND NOT EXISTS (SELECT FROM products p WHERE p.tenant_id = p_tenant AND p.sku = l.sku)
      GROUP BY l.sku ORDER BY l.sku
      ON CONFLICT (tenant_id, sku) DO NOTHING;
    -- 3. Lines.
    INSERT INTO purchase_lines (tenant_id, id, purchase_id, line_no, sku, product_id, description, quantity,
                                unit_price, amount_minor)
      SELECT p_tenant, l.id, x.id, l.line_no, l.sku, p.id, coalesce(l.description, ''), l.quantity,
             l.unit_price, l.amount_minor
      FROM jsonb_to_recordset(p_docs) AS x(id uuid, lines jsonb)
      CROSS JOIN LATERAL jsonb_to_recordset(x.lines) AS l(id uuid, line_no int, sku text, description text,
             quantity numeric, unit_price numeric, amount_minor bigint)
      LEFT JOIN products p ON p.tenant_id = p_tenant AND p.sku = l.sku
      WHERE x.id = ANY (v_fresh);
  END IF;

  IF v_members IS NOT NULL THEN
    -- 4. The accounts, late, once, in order.
    PERFORM 1 FROM point_accounts a WHERE a.tenant_id = p_tenant AND a.member_id = ANY (v_members)
      ORDER BY a.member_id FOR NO KEY UPDATE;
    -- 5. Lots, entries with the running balance, spend, and the tier of who is in date order.
    -- (Left joins and sub-selects, so that the documents always drive and the tables are only looked up.)
    WITH d AS (
      SELECT x.*, (SELECT p.member_id FROM purchases p WHERE p.tenant_id = p_tenant AND p.id = x.id) AS mid
        FROM jsonb_to_recordset(p_docs) AS x(n int, id uuid, source text, external_id text, occurred_at timestamptz,
               day date, currency text, total_minor bigint, spend_minor bigint, points bigint, last_day date,
               lapses_at timestamptz, rules int, lot_id uuid, lines jsonb)
        WHERE x.id = ANY (v_fresh)
    ), f AS (
      SELECT d.*, new_id() AS entry_id FROM d WHERE d.mid IS NOT NULL
    ), g AS (
      SELECT f.*, a.tier_rank,
             a.balance + sum(f.points) OVER (PARTITION BY f.mid ORDER BY f.occurred_at, f.n) AS after
        FROM f LEFT JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = f.mid
    ), lot AS (
      INSERT INTO lots (tenant_id, id, member_id, points, remaining, last_day, lapses_at, occurred_at, rule_version,
                        purchase_id)
        SELECT p_tenant, g.lot_id, g.mid, g.points, g.points, g.last_day, g.lapses_at, g.occurred_at, g.rules, g.id
        FROM g WHERE g.points > 0
    ), lot_line AS (
      INSERT INTO lot_lines (tenant_id, lot_id, purchase_line_id, points)
        SELECT p_tenant, g.lot_id, l.id, l.points
        FROM g CROSS JOIN LATERAL jsonb_to_recordset(g.lines) AS l(id uuid, points bigint) WHERE l.points > 0
    ), entry AS (
      INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at, source,
                           external_id, lot_id)
        SELECT p_tenant, g.entry_id, g.mid, 'award', g.points, g.after, g.occurred_at, g.occurred_at, '@purchase',
               g.id::text, g.lot_id
        FROM g WHERE g.points > 0 ORDER BY g.mid, g.occurred_at, g.n
    ), spend AS (
      INSERT INTO spend_days AS s (tenant_id, member_id, day, counted_on, amount_minor)
        SELECT p_tenant, g.mid, g.day, g.day, sum(g.spend_minor) FROM g WHERE g.spend_minor <> 0 GROUP BY g.mid, g.day
        ON CONFLICT (tenant_id, member_id, day, counted_on) DO UPDATE SET amount_minor = s.amount_minor + excluded.amount_minor
    ), m AS (
      SELECT g.mid, sum(g.points) AS points, sum(g.spend_minor) AS spend, min(g.day) AS first_day, max(g.day) AS last_day
        FROM g GROUP BY g.mid
    ), standing AS (
      -- In date order: one day, not before anything known, and no review missed.
      SELECT m.*, a.tier_rank, a.tier_since,
             m.first_day = m.last_day AND a.tier_stale_from IS NULL
               AND m.last_day >= coalesce(a.last_fact_on, m.last_day)
               AND m.last_day <= coalesce(a.review_on, m.last_day) AS in_order
        FROM m LEFT JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = m.mid
    ), measured AS (
      SELECT t.*, m.spend_minor, width_bucket(m.spend_minor, v_programme.tier_thresholds)::smallint AS earned
        FROM standing t CROSS JOIN LATERAL (
          SELECT (t.spend + coalesce(sum(s.amount_minor), 0))::bigint AS spend_minor FROM spend_days s
            WHERE t.in_order AND s.tenant_id = p_tenant AND s.member_id = t.mid
              AND s.day > (t.last_day - make_interval(months => v_programme.tier_window_months))::date
              AND s.day <= t.last_day AND s.counted_on + 0 <= t.last_day) m  -- + 0: by member, never by day counted
    ), up AS (
      SELECT * FROM measured WHERE in_order AND earned > tier_rank
    ), history AS (
      INSERT INTO tier_changes (tenant_id, member_id, on_day, from_rank, to_rank, reason, evidence, policy_version)
        SELECT p_tenant, up.mid, up.last_day, up.tier_rank, up.earned, 'earned',
               tier_evidence(p_tenant, up.mid, up.last_day, up.tier_since, v_programme.tier_window_months,
                             up.spend_minor, v_programme.tier_thresholds[up.earned]),
               v_programme.tier_policy_version
        FROM up
    ), account AS (
      UPDATE point_accounts a SET
          balance = a.balance + t.points,
          last_fact_on = greatest(a.last_fact_on, t.last_day),
          tier_stale_from = CASE WHEN t.in_order THEN NULL ELSE least(a.tier_stale_from, t.first_day) END,
          tier_rank = coalesce(up.earned, a.tier_rank),
          tier_since = CASE WHEN up.mid IS NULL THEN a.tier_since ELSE up.last_day END,
          review_on = CASE WHEN up.mid IS NULL THEN a.review_on
            ELSE (up.last_day + make_interval(months => v_programme.tier_review_months))::date END
        FROM standing t LEFT JOIN up ON up.mid = t.mid
        WHERE a.tenant_id = p_tenant AND a.member_id = t.mid AND a.member_id = ANY (v_members)
    ), moved AS (
      INSERT INTO events (tenant_id, kind, occurred_at, actor, payload)
        SELECT p_tenant, 'tier.changed', f.occurred_at, p_actor, jsonb_build_object(
          'member_id', up.mid, 'from_rank', up.tier_rank, 'to_rank', up.earned, 'on_day', up.last_day, 'direction', 'up')
        FROM up JOIN (SELECT f.mid, max(f.occurred_at) AS occurred_at FROM f GROUP BY f.mid) f ON f.mid = up.mid
    )
    INSERT INTO events (tenant_id, kind, occurred_at, actor, payload)
      SELECT p_tenant, 'purchase.recorded', g.occurred_at, p_actor, jsonb_build_object(
        'purchase_id', g.id, 'member_id', g.mid, 'points', g.points, 'total_minor', g.total_minor,
        'currency', g.currency, 'tier_rank', g.tier_rank, 'import_id', p_import)
      FROM g ORDER BY g.occurred_at, g.n;
  END IF;

  INSERT INTO events (tenant_id, kind, occurred_at, actor, payload)
    SELECT p_tenant, 'purchase.recorded', x.occurred_at, p_actor, jsonb_build_object(
      'purchase_id', x.id, 'member_id', NULL, 'points', 0, 'total_minor', x.total_minor, 'currency', x.currency,
      'tier_rank', NULL, 'import_id', p_import)
    FROM jsonb_to_recordset(p_docs) AS x(n int, id uuid, member text, member_id uuid, occurred_at timestamptz,
           currency text, total_minor bigint)
    WHERE x.id = ANY (v_fresh) AND x.member IS NULL AND x.member_id IS NULL ORDER BY x.n;

  -- 6. The answer, document by document, as it was the first time.
  RETURN QUERY
    SELECT x.n,
      CASE WHEN p.id IS NULL THEN 'unknown_member' WHEN p.id = x.id THEN 'new'
           WHEN p.content_hash = decode(x.hash, 'hex')
             AND p.member_id IS NOT DISTINCT FROM coalesce(x.member_id, m.id, c.member_id) THEN 'unchanged'
           ELSE 'event_differs' END,
      p.id, coalesce(e.points, 0), coalesce(e.balance_after, a.balance), a.tier_rank, p.member_id
    FROM jsonb_to_recordset(p_docs) AS x(n int, id uuid, source text, external_id text, member text, member_id uuid, hash text)
    LEFT JOIN purchases p ON p.tenant_id = p_tenant AND p.source = x.source AND p.external_id = x.external_id
      AND p.withdrawn_at IS NULL
    LEFT JOIN members m ON p.id <> x.id AND m.tenant_id = p_tenant AND m.number = x.member
    LEFT JOIN cards c ON p.id <> x.id AND m.id IS NULL AND c.tenant_id = p_tenant AND c.number = x.member
      AND c.status = 'active'
    LEFT JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = p.member_id
    -- LATERAL with LIMIT: one probe of the whole key per document, also where the table has no statistics yet.
    LEFT JOIN LATERAL (SELECT e.points, e.balance_after FROM entries e WHERE e.tenant_id = p_tenant
      AND e.source = '@purchase' AND e.external_id = p.id::text AND e.kind = 'award' AND e.line = 0 LIMIT 1) e ON true
    ORDER BY x.n;
END $$
