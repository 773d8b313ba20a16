package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/membership"
)

// Members of dynamic groups are rows of group_link like others, so that all that reads
// memberships knows nothing of rules. A device that changes is held against each rule of the
// tenant; a rule that changes is held against each device. Both happen in the transaction of
// the change.

// moved is how many devices a change of a rule brought into a group and took out of it.
type moved struct{ in, out int }

// noted returns events, of which the first says how many moved.
func (m moved) noted(events []audit.Event) []audit.Event {
	if m == (moved{}) || len(events) == 0 || events[0].Change == nil {
		return events
	}
	all, change := slices.Clone(events), *events[0].Change
	change.Details = append(slices.Clone(change.Details),
		audit.KeyValue{Key: "Members added", Value: strconv.Itoa(m.in)}, audit.KeyValue{Key: "Members removed", Value: strconv.Itoa(m.out)})
	all[0].Change = &change
	return all
}

// followRule makes the members of g what its rule says. A paused rule is not followed, and a
// group that has become an ordinary one keeps its members.
func (tx *Tx) followRule(ctx context.Context, g directory.Group) (moved, error) {
	var known string
	err := tx.q.QueryRowContext(ctx, `SELECT rule FROM membership_rule WHERE tenant_id = $1 AND group_id = $2`, g.Tenant, g.ID).Scan(&known)
	had := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return moved{}, err
	}
	if !g.Dynamic() || g.ProcessingState != directory.RuleOn {
		if !had {
			return moved{}, nil
		}
		_, err := tx.exec(ctx, `DELETE FROM membership_rule WHERE tenant_id = $1 AND group_id = $2`, g.Tenant, g.ID)
		return moved{}, err
	}
	if had && known == g.MembershipRule {
		return moved{}, nil
	}
	rule, err := membership.Parse(g.MembershipRule)
	if err != nil {
		return moved{}, err
	}
	if err := tx.keepRule(ctx, g); err != nil {
		return moved{}, err
	}
	return tx.applyRule(ctx, g, rule)
}

func (tx *Tx) keepRule(ctx context.Context, g directory.Group) error {
	if err := tx.touchTenant(ctx, g.Tenant); err != nil { // one at a time, because they are counted
		return err
	}
	if _, err := tx.exec(ctx, `
		INSERT INTO membership_rule (tenant_id, group_id, rule) VALUES ($1, $2, $3)
		ON CONFLICT (tenant_id, group_id) DO UPDATE SET rule = excluded.rule`, g.Tenant, g.ID, g.MembershipRule); err != nil {
		return err
	}
	var n int
	err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM membership_rule WHERE tenant_id = $1`, g.Tenant).Scan(&n)
	if err == nil && n > membership.MostGroups {
		err = membership.ErrMany
	}
	return err
}

// devicePage is how many devices are held against a rule at once.
const devicePage = 500

// applyRule looks at every device of the tenant, and writes the links that change.
func (tx *Tx) applyRule(ctx context.Context, g directory.Group, rule membership.Rule) (moved, error) {
	var m moved
	rows, err := tx.q.QueryContext(ctx, `
		SELECT object_id FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'member'`, g.Tenant, g.ID)
	ids, err := collect(rows, err, scanOne[directory.DeviceObjectID])
	if err != nil {
		return m, err
	}
	leaving := make(map[directory.DeviceObjectID]bool, len(ids))
	for _, id := range ids {
		leaving[id] = true
	}
	for after := ""; ; {
		rows, err := tx.q.QueryContext(ctx, `
			SELECT `+deviceColumns+` FROM device WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3`, g.Tenant, after, devicePage)
		page, err := collect(rows, err, func(r *sql.Rows) (directory.Device, error) { return listedDevice(g.Tenant, r.Scan) })
		if err != nil {
			return m, err
		}
		for _, d := range page {
			switch has := !d.Unreadable && rule.Has(d); {
			case d.Unreadable:
				delete(leaving, d.ID) // nobody knows: it stays as it is
			case has && leaving[d.ID]:
				delete(leaving, d.ID)
			case has:
				m.in++
				if err := tx.insertLink(ctx, g.Tenant, g.ID, directory.Member, deviceRef(d)); err != nil {
					return m, err
				}
			}
		}
		if len(page) < devicePage {
			break
		}
		after = string(page[len(page)-1].ID)
	}
	m.out = len(leaving)
	for id := range leaving {
		if err := tx.deleteMember(ctx, g.Tenant, g.ID, string(id)); err != nil {
			return m, err
		}
	}
	return m, nil
}

func deviceRef(d directory.Device) directory.Ref {
	return directory.Ref{Kind: directory.KindDevice, ID: string(d.ID)}
}

func (tx *Tx) deleteMember(ctx context.Context, tenant directory.TenantID, group directory.GroupID, object string) error {
	_, err := tx.exec(ctx, `
		DELETE FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'member' AND object_id = $3`, tenant, group, object)
	return err
}

// A ruledGroup is a dynamic group as one device sees it.
type ruledGroup struct {
	id   directory.GroupID
	rule string
	in   bool // the device is a member
}

// followDevice brings d, which the change of e left like this, into the groups whose rules it
// meets, and takes it out of others.
func (tx *Tx) followDevice(ctx context.Context, d directory.Device, e audit.Event) error {
	rows, err := tx.q.QueryContext(ctx, `
		SELECT r.group_id, r.rule, CASE WHEN l.object_id IS NULL THEN 0 ELSE 1 END
		FROM membership_rule r
		LEFT JOIN group_link l ON l.tenant_id = r.tenant_id AND l.group_id = r.group_id AND l.relation = 'member' AND l.object_id = $2
		WHERE r.tenant_id = $1 ORDER BY r.group_id`, d.Tenant, d.ID)
	groups, err := collect(rows, err, func(r *sql.Rows) (ruledGroup, error) {
		var g ruledGroup
		var in int
		err := r.Scan(&g.id, &g.rule, &in)
		g.in = in == 1
		return g, err
	})
	if err != nil {
		return err
	}
	for _, g := range groups {
		rule, err := membership.Parse(g.rule)
		if err != nil {
			continue // of another version of the program: its members stay as they are
		}
		if has := rule.Has(d); has != g.in {
			if err := tx.move(ctx, d, g.id, has, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// move brings d into a dynamic group, or takes it out, and records that.
func (tx *Tx) move(ctx context.Context, d directory.Device, id directory.GroupID, in bool, because audit.Event) error {
	g, err := groupBy(ctx, tx.q, d.Tenant, id)
	if err != nil {
		return err
	}
	activity, operation := audit.RemoveGroupMember, audit.OperationUnassign
	if in {
		activity, operation = audit.AddGroupMember, audit.OperationAssign
		err = tx.insertLink(ctx, d.Tenant, id, directory.Member, deviceRef(d))
	} else {
		err = tx.deleteMember(ctx, d.Tenant, id, string(d.ID))
	}
	if err != nil {
		return err
	}
	return tx.append(ctx, audit.Event{
		Tenant: because.Tenant, ID: uuid.NewString(), At: because.At, CorrelationID: because.CorrelationID,
		Change: &audit.Change{
			Activity: activity, Category: audit.CategoryGroupManagement, Service: audit.ServiceCoreDirectory, Operation: operation, Result: audit.Success,
			By: audit.Actor{App: &audit.AppActor{DisplayName: "Dynamic group membership"}},
			Targets: []audit.Target{
				{ID: string(d.ID), Type: audit.TargetDevice, DisplayName: d.DisplayName}, {ID: string(id), Type: audit.TargetGroup, DisplayName: g.DisplayName},
			},
		},
	})
}

// byHand refuses changes of members where a rule makes them.
func (tx *Tx) byHand(ctx context.Context, g directory.Group) error {
	now, err := groupBy(ctx, tx.q, g.Tenant, g.ID)
	if err == nil && now.Dynamic() {
		err = directory.ErrDynamicMembers
	}
	return err
}

// ruled reports whether l makes a member of a group whose rule is followed.
func (tx *Tx) ruled(ctx context.Context, tenant directory.TenantID, l groupLink) (bool, error) {
	if l.Relation != directory.Member {
		return false, nil
	}
	var n int
	err := tx.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM membership_rule WHERE tenant_id = $1 AND group_id = $2`, tenant, l.Group).Scan(&n)
	return n > 0, err
}

// dropRule forgets the rule of a group that is deleted, with the members that it made: they
// are found anew should the group come back.
func (tx *Tx) dropRule(ctx context.Context, g directory.Group) error {
	n, err := tx.exec(ctx, `DELETE FROM membership_rule WHERE tenant_id = $1 AND group_id = $2`, g.Tenant, g.ID)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM group_link WHERE tenant_id = $1 AND group_id = $2 AND relation = 'member'`, g.Tenant, g.ID)
	return err
}
