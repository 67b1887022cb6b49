-- One day of the tier job for everybody who is not waiting for the walk (back-dated facts): what that
-- day's facts earn at once, and the reviews that are due. p_all looks at every account (the weekly audit,
-- a first run), else only at those with facts counted on the day or a review due.
-- Proved equal to loyalty/tiers/rules.py by property test.
CREATE FUNCTION tier_step(p_tenant uuid, p_day date, p_all boolean, p_actor text,
                          OUT evaluated bigint, OUT changed bigint)
-- One plan for everybody and for a day would suit neither: a tenant's run is planned for what it is.
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_nestloop = on AS $$
DECLARE g programmes; v_opens date;
BEGIN
  PERFORM enter_tenant(p_tenant);
  IF p_all THEN
    -- A tenant too small for the statistics looks like one row; looping over everybody twice would be quadratic.
    PERFORM set_config('enable_nestloop', 'off', true);
  END IF;
  SELECT * INTO g FROM programmes p WHERE p.tenant_id = p_tenant;
  IF NOT FOUND THEN
    evaluated := 0; changed := 0;
    RETURN;
  END IF;
  v_opens := (p_day - make_interval(months => g.tier_window_months))::date;
  WITH touched AS (
    SELECT DISTINCT s.member_id FROM spend_days s
      WHERE NOT p_all AND s.tenant_id = p_tenant AND s.counted_on = p_day
  ), candidate AS (
    SELECT a.member_id, a.tier_rank, a.tier_since, a.review_on FROM point_accounts a
      WHERE p_all AND a.tenant_id = p_tenant AND a.tier_stale_from IS NULL
    UNION ALL
    SELECT a.member_id, a.tier_rank, a.tier_since, a.review_on FROM point_accounts a
      JOIN touched t ON t.member_id = a.member_id
      WHERE NOT p_all AND a.tenant_id = p_tenant AND a.tier_stale_from IS NULL
    UNION ALL
    SELECT a.member_id, a.tier_rank, a.tier_since, a.review_on FROM point_accounts a
      WHERE NOT p_all AND a.tenant_id = p_tenant AND a.tier_stale_from IS NULL AND a.review_on <= p_day
        AND NOT EXISTS (SELECT FROM touched t WHERE t.member_id = a.member_id)
  ), every AS (
    SELECT s.member_id, sum(s.amount_minor) AS spend FROM spend_days s
      WHERE p_all AND s.tenant_id = p_tenant AND s.day > v_opens AND s.day <= p_day AND s.counted_on <= p_day
      GROUP BY s.member_id
  ), measured AS (
    SELECT c.*, coalesce(CASE WHEN p_all THEN e.spend ELSE o.spend END, 0)::bigint AS spend
      FROM candidate c LEFT JOIN every e ON e.member_id = c.member_id
      LEFT JOIN LATERAL (SELECT sum(s.amount_minor) AS spend FROM spend_days s
        WHERE NOT p_all AND s.tenant_id = p_tenant AND s.member_id = c.member_id
          AND s.day > v_opens AND s.day <= p_day AND s.counted_on + 0 <= p_day) o ON true
  ), verdict AS (
    SELECT m.*, width_bucket(m.spend, g.tier_thresholds)::smallint AS earned, coalesce(m.review_on <= p_day, false) AS due
      FROM measured m
  ), mover AS (
    SELECT * FROM verdict v WHERE v.earned > v.tier_rank OR (v.due AND v.earned <> v.tier_rank)
  ), history AS (
    INSERT INTO tier_changes (tenant_id, member_id, on_day, from_rank, to_rank, reason, evidence, policy_version)
      SELECT p_tenant, m.member_id, p_day, m.tier_rank, m.earned,
             CASE WHEN m.earned > m.tier_rank THEN 'earned' ELSE 'review' END,
             -- Who never moved before has nothing that left; a first run moves hundreds of thousands of those.
             CASE WHEN m.tier_since IS NULL THEN jsonb_build_object('first_day', v_opens + 1, 'last_day', p_day,
               'spend_minor', m.spend, 'needed_minor', g.tier_thresholds[greatest(m.earned, m.tier_rank)],
               'left_window_minor', 0, 'refunded_minor', 0)
             ELSE tier_evidence(p_tenant, m.member_id, p_day, m.tier_since, g.tier_window_months, m.spend,
                                g.tier_thresholds[greatest(m.earned, m.tier_rank)]) END,
             g.tier_policy_version
      FROM mover m
  ), event AS (
    INSERT INTO events (tenant_id, kind, occurred_at, actor, payload)
      SELECT p_tenant, 'tier.changed', least(now(), (p_day + 1)::timestamptz), p_actor, jsonb_build_object(
        'member_id', m.member_id, 'from_rank', m.tier_rank, 'to_rank', m.earned, 'on_day', p_day,
        'direction', CASE WHEN m.earned > m.tier_rank THEN 'up' ELSE 'down' END)
      FROM mover m
  ), moved AS (
    UPDATE point_accounts a SET tier_rank = m.earned, tier_since = p_day,
        review_on = CASE WHEN m.earned > 0 THEN (p_day + make_interval(months => g.tier_review_months))::date END
      FROM mover m WHERE a.tenant_id = p_tenant AND a.member_id = m.member_id
  ), kept AS (
    UPDATE point_accounts a SET review_on = (a.review_on + make_interval(months => g.tier_review_months))::date
      FROM verdict v WHERE a.tenant_id = p_tenant AND a.member_id = v.member_id AND v.due AND v.earned = v.tier_rank
  )
  SELECT (SELECT count(*) FROM verdict), (SELECT count(*) FROM mover) INTO evaluated, changed;
END $$
