-- The figures behind a tier change, as loyalty/tiers/rules.py writes them; p_since is the day of the
-- change before (NULL for a new member). Read after the spend of the day is written or known as p_spend.
CREATE FUNCTION tier_evidence(p_tenant uuid, p_member uuid, p_day date, p_since date, p_window int, p_spend bigint,
                              p_needed bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_opens date := (p_day - make_interval(months => p_window))::date;
  v_left bigint := 0; v_refunded bigint := 0;
BEGIN
  IF p_since IS NOT NULL THEN
    SELECT
      coalesce(sum(s.amount_minor) FILTER (WHERE s.day <= v_opens), 0),
      coalesce(-sum(s.amount_minor) FILTER (WHERE s.day > v_opens AND s.amount_minor < 0 AND s.counted_on > p_since), 0)
      INTO v_left, v_refunded FROM spend_days s
      WHERE s.tenant_id = p_tenant AND s.member_id = p_member AND s.counted_on + 0 <= p_day AND s.day <= p_day
        AND s.day > (p_since - make_interval(months => p_window))::date;
  END IF;
  RETURN jsonb_build_object('first_day', v_opens + 1, 'last_day', p_day, 'spend_minor', p_spend,
    'needed_minor', p_needed, 'left_window_minor', v_left, 'refunded_minor', v_refunded);
END $$
