package userdb

import (
	"maps"
	"slices"
)

// userRecord is a JSON user record (systemd, "JSON User Records"); one without a hashed
// password opens by PAM alone.
type userRecord struct {
	UserName      string `json:"userName"`
	RealName      string `json:"realName,omitempty"`
	UID           uint32 `json:"uid"`
	GID           uint32 `json:"gid"`
	HomeDirectory string `json:"homeDirectory"`
	Shell         string `json:"shell"`
	Disposition   string `json:"disposition"`
	Locked        bool   `json:"locked,omitempty"`
	Service       string `json:"service"`
}

type groupRecord struct {
	GroupName   string `json:"groupName"`
	Description string `json:"description,omitempty"`
	GID         uint32 `json:"gid"`
	Disposition string `json:"disposition"`
	Service     string `json:"service"`
}

type record struct {
	Record     any  `json:"record"`
	Incomplete bool `json:"incomplete"`
}

type membershipRecord struct {
	UserName  string `json:"userName"`
	GroupName string `json:"groupName"`
}

func (u user) record() any {
	return record{Record: userRecord{
		UserName: u.UserName, RealName: realName(u.DisplayName), UID: u.UID, GID: u.GID,
		HomeDirectory: u.Home, Shell: u.Shell, Disposition: "regular", Locked: !u.Enabled, Service: Name,
	}}
}

func (g group) record() any {
	return record{Record: groupRecord{
		GroupName: g.name, Description: realName(g.text), GID: g.gid, Disposition: "regular", Service: Name,
	}}
}

// realName leaves out what passwd(5) can't hold: systemd refuses a record with it.
func realName(text string) string {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if r < ' ' || r == 0x7f || r == ':' || r == '\ufffd' {
			r = ' '
		}
		out = append(out, r)
	}
	return string(out)
}

// find looks in all, whose numbers are in by: by name, by number, by both, or, with neither,
// for everything.
func find[T interface{ record() any }](all map[string]T, by map[uint32]string, name *string, number *uint32) ([]any, string) {
	if name == nil && number == nil {
		var list []any
		for _, key := range slices.Sorted(maps.Keys(all)) {
			list = append(list, all[key].record())
		}
		return list, ""
	}
	if name == nil {
		key := by[*number]
		name = &key
	}
	one, ok := all[*name]
	if !ok {
		return nil, noRecord
	}
	if number != nil && by[*number] != *name {
		return nil, conflicting
	}
	return []any{one.record()}, ""
}

// findMembers finds by user, group, both, or neither. Local groups have members here, too.
func (p *page) findMembers(q parameters) []any {
	var all []any
	for _, m := range p.members {
		if (q.UserName == nil || *q.UserName == m.user) && (q.GroupName == nil || *q.GroupName == m.group) {
			all = append(all, membershipRecord{m.user, m.group})
		}
	}
	return all
}
