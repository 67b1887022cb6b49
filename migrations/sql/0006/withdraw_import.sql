-- Takes back what an import brought, by further entries: the ledger is never edited. Refused by raising
-- 'import_in_use' when points of it were spent or later refunds came from elsewhere.
-- After it the same file can be imported again, and balances and spend are as before.
CREATE FUNCTION withdraw_import(p_tenant uuid, p_import uuid, p_actor text,
                                OUT purchases bigint, OUT refunds bigint, OUT points bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE v_members uuid[];
BEGIN
  PERFORM enter_tenant(p_tenant);
  SELECT array_agg(DISTINCT d.member_id) INTO v_members FROM (
    SELECT p.member_id FROM purchases p WHERE p.tenant_id = p_tenant AND p.import_id = p_import AND p.withdrawn_at IS NULL
    UNION ALL
    SELECT r.member_id FROM refunds r WHERE r.tenant_id = p_tenant AND r.import_id = p_import AND r.withdrawn_at IS NULL
  ) d WHERE d.member_id IS NOT NULL;
  PERFORM 1 FROM point_accounts a WHERE a.tenant_id = p_tenant AND a.member_id = ANY (v_members)
    ORDER BY a.member_id FOR NO KEY UPDATE;

  IF EXISTS (
    SELECT FROM purchases p JOIN lots l ON l.tenant_id = p_tenant AND l.purchase_id = p.id
      JOIN allocations t ON t.tenant_id = p_tenant AND t.lot_id = l.id
      JOIN entries e ON e.tenant_id = p_tenant AND e.id = t.entry_id
      WHERE p.tenant_id = p_tenant AND p.import_id = p_import AND p.withdrawn_at IS NULL
        AND (e.kind IN ('burn', 'adjust') OR e.source = '@refund' AND NOT EXISTS (
          SELECT FROM refunds r WHERE r.tenant_id = p_tenant AND r.import_id = p_import AND r.id::text = e.external_id))
  ) OR EXISTS (
    SELECT FROM purchases p JOIN purchase_lines l ON l.tenant_id = p_tenant AND l.purchase_id = p.id
      JOIN refund_lines b ON b.tenant_id = p_tenant AND b.purchase_line_id = l.id
      JOIN refunds r ON r.tenant_id = p_tenant AND r.id = b.refund_id AND r.withdrawn_at IS NULL
      WHERE p.tenant_id = p_tenant AND p.import_id = p_import AND p.withdrawn_at IS NULL
        AND r.import_id IS DISTINCT FROM p_import
  ) THEN
    RAISE EXCEPTION 'import_in_use' USING ERRCODE = 'PN001';
  END IF;

  -- 1. The refunds of the import: each of their entries is answered by its opposite, lot by lot.
  WITH old AS (
    SELECT e.*, new_id() AS new_entry FROM refunds r
      JOIN entries e ON e.tenant_id = p_tenant AND e.source = '@refund' AND e.external_id = r.id::text
      WHERE r.tenant_id = p_tenant AND r.import_id = p_import AND r.withdrawn_at IS NULL
  ), e AS (
    INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at, source,
                         external_id, lot_id)
      SELECT p_tenant, o.new_entry, o.member_id, CASE o.kind WHEN 'reversal' THEN 'restore' ELSE o.kind END, -o.points,
             a.balance - sum(o.points) OVER (PARTITION BY o.member_id ORDER BY (o.points > 0), o.id),
             o.occurred_at, o.value_at, '@undo', o.id::text, o.lot_id
      FROM old o JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = o.member_id
  ), t AS (
    INSERT INTO allocations (tenant_id, entry_id, lot_id, points)
      SELECT p_tenant, o.new_entry, t.lot_id, -t.points
      FROM old o JOIN allocations t ON t.tenant_id = p_tenant AND t.entry_id = o.id
      RETURNING lot_id, points
  ), u AS (
    UPDATE lots l SET remaining = l.remaining + s.points
      FROM (SELECT t.lot_id, sum(t.points) AS points FROM t GROUP BY t.lot_id) s
      WHERE l.tenant_id = p_tenant AND l.id = s.lot_id
  )
  UPDATE point_accounts a SET balance = a.balance - s.points
    FROM (SELECT o.member_id, sum(o.points) AS points FROM old o GROUP BY o.member_id) s
    WHERE a.tenant_id = p_tenant AND a.member_id = s.member_id;

  -- 2. What they returned is bought again.
  UPDATE purchase_lines l SET returned_quantity = l.returned_quantity - s.quantity,
      returned_minor = l.returned_minor - s.amount
    FROM (SELECT b.purchase_line_id, coalesce(sum(b.quantity), 0) AS quantity, sum(b.amount_minor) AS amount
      FROM refunds r JOIN refund_lines b ON b.tenant_id = p_tenant AND b.refund_id = r.id
      WHERE r.tenant_id = p_tenant AND r.import_id = p_import AND r.withdrawn_at IS NULL
        AND b.purchase_line_id IS NOT NULL GROUP BY b.purchase_line_id) s
    WHERE l.tenant_id = p_tenant AND l.id = s.purchase_line_id;

  -- 3. The awards: what lapsed of them is un-lapsed, then the whole lot is reversed.
  WITH lot AS (
    SELECT l.*, p.occurred_at AS bought_at, new_id() AS reversal, new_id() AS unlapse FROM purchases p
      JOIN lots l ON l.tenant_id = p_tenant AND l.purchase_id = p.id
      WHERE p.tenant_id = p_tenant AND p.import_id = p_import AND p.withdrawn_at IS NULL
  ), move AS (
    SELECT lot.*, 'expiry' AS kind, lot.points - lot.remaining AS moved, lot.unlapse AS entry, lot.lapses_at AS value_at,
           0 AS line FROM lot WHERE lot.remaining < lot.points
    UNION ALL
    SELECT lot.*, 'reversal', -lot.points, lot.reversal, lot.bought_at, 1 FROM lot
  ), e AS (
    INSERT INTO entries (tenant_id, id, member_id, kind, points, balance_after, occurred_at, value_at, source,
                         external_id, lot_id)
      SELECT p_tenant, m.entry, m.member_id, m.kind, m.moved,
             a.balance + sum(m.moved) OVER (PARTITION BY m.member_id ORDER BY m.line, m.id),
             m.value_at, m.value_at, '@undo', m.id::text, m.id
      FROM move m JOIN point_accounts a ON a.tenant_id = p_tenant AND a.member_id = m.member_id
  ), t AS (
    INSERT INTO allocations (tenant_id, entry_id, lot_id, points)
      SELECT p_tenant, m.entry, m.id, m.moved FROM move m
  ), u AS (
    UPDATE lots l SET remaining = 0 FROM lot WHERE l.tenant_id = p_tenant AND l.id = lot.id
  ), a AS (
    UPDATE point_accounts a SET balance = a.balance + s.points
      FROM (SELECT m.member_id, sum(m.moved) AS points FROM move m GROUP BY m.member_id) s
      WHERE a.tenant_id = p_tenant AND a.member_id = s.member_id
  )
  SELECT coalesce(sum(lot.points), 0) INTO points FROM lot;

  -- 4. The spend, and with it the tiers from the first day touched.
  WITH gone AS (
    SELECT p.member_id, p.day, p.day AS counted_on, greatest(p.total_minor, 0) AS amount FROM purchases p
      WHERE p.tenant_id = p_tenant AND p.import_id = p_import AND p.withdrawn_at IS NULL AND p.member_id IS NOT NULL
    UNION ALL
    SELECT r.member_id, o.day, r.day, -b.spend_minor FROM refunds r
      JOIN refund_lines b ON b.tenant_id = p_tenant AND b.refund_id = r.id
      JOIN purchase_lines l ON l.tenant_id = p_tenant AND l.id = b.purchase_line_id
      JOIN purchases o ON o.tenant_id = p_tenant AND o.id = l.purchase_id
      WHERE r.tenant_id = p_tenant AND r.import_id = p_import AND r.withdrawn_at IS NULL AND r.member_id IS NOT NULL
  ), s AS (
    SELECT g.member_id, g.day, g.counted_on, sum(g.amount) AS amount FROM gone g GROUP BY 1, 2, 3
  ), w AS (
    UPDATE spend_days d SET amount_minor = d.amount_minor - s.amount FROM s
      WHERE d.tenant_id = p_tenant AND d.member_id = s.member_id AND d.day = s.day AND d.counted_on = s.counted_on
  )
  UPDATE point_accounts a SET tier_stale_from = least(a.tier_stale_from, f.day)
    FROM (SELECT s.member_id, min(s.counted_on) AS day FROM s GROUP BY 1) f
    WHERE a.tenant_id = p_tenant AND a.member_id = f.member_id;
  DELETE FROM spend_days d
    WHERE d.tenant_id = p_tenant AND d.member_id = ANY (v_members) AND d.amount_minor = 0;
  UPDATE point_accounts a SET last_fact_on = (SELECT max(s.counted_on) FROM spend_days s
      WHERE s.tenant_id = p_tenant AND s.member_id = a.member_id)
    WHERE a.tenant_id = p_tenant AND a.member_id = ANY (v_members);

  -- 5. The documents, and the members whom only this import knew.
  UPDATE refunds r SET withdrawn_at = now()
    WHERE r.tenant_id = p_tenant AND r.import_id = p_import AND r.withdrawn_at IS NULL;
  GET DIAGNOSTICS refunds = ROW_COUNT;
  UPDATE purchases p SET withdrawn_at = now()
    WHERE p.tenant_id = p_tenant AND p.import_id = p_import AND p.withdrawn_at IS NULL;
  GET DIAGNOSTICS purchases = ROW_COUNT;
  UPDATE members m SET status = 'withdrawn'
    WHERE m.tenant_id = p_tenant AND m.import_id = p_import AND m.status = 'active'
      AND NOT EXISTS (SELECT FROM purchases p WHERE p.tenant_id = p_tenant AND p.member_id = m.id AND p.withdrawn_at IS NULL)
      AND NOT EXISTS (SELECT FROM refunds r WHERE r.tenant_id = p_tenant AND r.member_id = m.id AND r.withdrawn_at IS NULL)
      AND NOT EXISTS (SELECT FROM point_accounts a WHERE a.tenant_id = p_tenant AND a.member_id = m.id AND a.balance > 0);
  INSERT INTO events (tenant_id, kind, actor, payload)
    VALUES (p_tenant, 'purchases.withdrawn', p_actor, jsonb_build_object(
      'import_id', p_import, 'purchases', purchases, 'refunds', refunds, 'points', points));
END $$
