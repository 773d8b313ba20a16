package access

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
)

// A said policy is one in words.
type said struct {
	draft
	Who, What, When, Then string
}

// say tells d in words. Names that book lacks are ids.
func say(c *console.Call, d draft, names book, strengthName string) said {
	s := said{draft: d}
	s.Who = except(c, people(c, d.In, names), people(c, d.Out, names), "access_nobody")
	if d.Works {
		s.Who = except(c, works(c, d, names), names.all(d.NotWork), "access_no_application")
	}
	s.What = what(c, d, names)
	s.When = strings.Join(when(c, d, names), "; ")
	s.Then = then(c, d, strengthName)
	return s
}

// except joins what is in with what is out.
func except(c *console.Call, in, out []string, none string) string {
	text := strings.Join(in, ", ")
	if text == "" {
		text = c.Text(none)
	}
	if len(out) == 0 {
		return text
	}
	return c.Text("access_except", "These", text, "Those", strings.Join(out, ", "))
}

// works are applications that sign in by themselves.
func works(c *console.Call, d draft, names book) []string {
	if d.AllWork {
		return []string{c.Text("access_all_work")}
	}
	return names.all(d.Work)
}

func people(c *console.Call, w whom, names book) []string {
	var all []string
	if w.Everybody {
		all = append(all, c.Text("access_everybody"))
	}
	if w.Guests {
		all = append(all, c.Text("access_guests"))
	}
	return slices.Concat(all, names.all(w.Users), names.all(w.Groups), names.all(w.Roles))
}

// appNames names applications; administration is Microsoft's word for the console.
func appNames(c *console.Call, ids []string, names book) []string {
	var out []string
	for _, id := range ids {
		if id == adminPages {
			out = append(out, c.Text("access_admin_pages"))
		} else {
			out = append(out, names.Name(id))
		}
	}
	return out
}

func what(c *console.Call, d draft, names book) string {
	switch d.Aim {
	case "all":
		return except(c, []string{c.Text("access_aim_all")}, appNames(c, d.NotApps, names), "access_nothing")
	case "apps":
		return except(c, appNames(c, d.Apps, names), appNames(c, d.NotApps, names), "access_nothing")
	case "context":
		return strings.Join(names.all(d.Contexts), ", ")
	}
	return c.Text("access_aim_" + d.Aim)
}

func when(c *console.Call, d draft, names book) []string {
	var all []string
	site := func(ids []string) []string {
		var out []string
		for _, id := range ids {
			switch id {
			case "All":
				out = append(out, c.Text("access_anywhere"))
			case trusted:
				out = append(out, c.Text("access_trusted"))
			default:
				out = append(out, names.Name(id))
			}
		}
		return out
	}
	switch d.Where {
	case "untrusted":
		all = append(all, c.Text("access_where_untrusted"))
	case "chosen":
		all = append(all, c.Text("access_from", "Places", except(c, site(d.Places), site(d.NotPlaces), "access_anywhere")))
	}
	words := func(key, prefix string, values []string) {
		var out []string
		for _, v := range values {
			out = append(out, c.Text(prefix+v))
		}
		if len(out) > 0 {
			all = append(all, c.Text(key, "These", strings.Join(out, ", ")))
		}
	}
	words("access_on", "access_platform_", d.Platforms)
	words("access_with", "access_client_", d.Clients)
	if d.Rule != "" {
		all = append(all, c.Text("access_filter_"+d.Mode, "Rule", d.Rule))
	}
	words("access_user_risk", "access_risk_", d.UserRisk)
	words("access_sign_in_risk", "access_risk_", d.Risk)
	if d.ByCode {
		all = append(all, c.Text("access_by_code"))
	}
	return all
}

func then(c *console.Call, d draft, strengthName string) string {
	var all []string
	switch d.Outcome {
	case "block":
		all = append(all, c.Text("access_then_block"))
	case "ask":
		var asked []string
		for _, one := range d.Controls {
			asked = append(asked, c.Text("access_control_"+one))
		}
		if d.Strength != "" {
			asked = append(asked, c.Text("access_then_strength", "Name", first(strengthName, d.Strength)))
		}
		joint := "access_or"
		if d.Every {
			joint = "access_and"
		}
		all = append(all, strings.Join(asked, " "+c.Text(joint)+" "))
	}
	switch d.Frequency {
	case "always":
		all = append(all, c.Text("access_every_time"))
	case "hours", "days":
		all = append(all, c.Text("access_after_"+d.Frequency, "N", d.Span))
	}
	if d.Stay != "" {
		all = append(all, c.Text("access_stay_"+d.Stay))
	}
	return strings.Join(all, "; ")
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
