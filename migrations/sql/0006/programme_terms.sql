-- What the doors must know before they can compute a purchase: the versions in force, as one JSON value.
CREATE FUNCTION programme_terms(p_tenant uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_terms jsonb;
BEGIN
  PERFORM enter_tenant(p_tenant);
  SELECT jsonb_build_object('name', g.name, 'rule_version', g.rule_version,
      'tier_policy_version', g.tier_policy_version, 'thresholds', g.tier_thresholds,
      'window_months', g.tier_window_months, 'review_months', g.tier_review_months,
      'rules', (SELECT jsonb_agg(jsonb_build_object('version', r.version, 'published_at', r.published_at,
          'document', r.document) ORDER BY r.version) FROM rule_versions r WHERE r.tenant_id = p_tenant))
    INTO v_terms FROM programmes g WHERE g.tenant_id = p_tenant;
  RETURN v_terms;
END $$
