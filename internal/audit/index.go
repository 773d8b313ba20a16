package audit

import (
	"slices"
	"strings"
)

// Index holds what logs are filtered by, for the columns of a store. Names, UPNs and addresses
// are personal: after [Entry.Erase], store the index of the opened entry again. All are free
// of NUL, which PostgreSQL does not take.
type Index struct {
	UserID          string
	UPN             string // lower case
	UserDisplayName string
	AppID           string
	AppDisplayName  string
	IPAddress       string
	ClientAppUsed   string
	ErrorCode       int
	EventType       string // InteractiveUser, NonInteractiveUser or ServicePrincipal

	Activity            string
	Category            string
	Service             string
	ActorUserID         string
	ActorUPN            string // lower case
	ActorDisplayName    string
	ActorAppID          string
	ActorAppDisplayName string
	TargetIDs           []string // each once, in order

	CorrelationID string

	Marks []string // what e is found by besides: the constants below, each once
}

// Marks of an event: with the value behind them where they end in a slash, in lower case. An
// object never has an id that begins so.
const (
	MarkDevice       = "signin/device/" // the device id
	MarkMethod       = "signin/method/" // each method that was used or tried
	MarkPass         = "signin/pass/"   // the pass behind the sign-in
	MarkPassChange   = "change/pass/"   // the pass that was issued, removed, or registered something
	MarkFailedSignIn = "signin/failed"
	MarkFailedChange = "change/failed"
)

// DetailPass is the [KeyValue] that names a pass.
const DetailPass = "temporaryAccessPassMethodId"

func (x *Index) mark(mark, value string) {
	if value == "" {
		return
	}
	if m := mark + lower(value); !slices.Contains(x.Marks, m) {
		x.Marks = append(x.Marks, m)
	}
}

// Index returns what e is filtered by.
func (e Event) Index() Index {
	x := Index{CorrelationID: column(e.CorrelationID)}
	if s := e.SignIn; s != nil {
		x.UserID, x.UPN, x.UserDisplayName = column(s.UserID), lower(s.UserPrincipalName), column(s.UserDisplayName)
		x.AppID, x.AppDisplayName = column(s.AppID), column(s.AppDisplayName)
		x.IPAddress, x.ClientAppUsed = column(s.IPAddress), column(s.ClientAppUsed)
		x.ErrorCode, x.EventType = s.ErrorCode, column(s.EventType)
		x.mark(MarkDevice, s.DeviceID)
		x.mark(MarkPass, s.PassID)
		for _, d := range s.Details {
			x.mark(MarkMethod, d.Method)
		}
		if s.ErrorCode != 0 {
			x.Marks = append(x.Marks, MarkFailedSignIn)
		}
	}
	if c := e.Change; c != nil {
		x.Activity, x.Category, x.Service = column(c.Activity), column(c.Category), column(c.Service)
		if u := c.By.User; u != nil {
			x.ActorUserID, x.ActorUPN = column(u.ID), lower(u.UserPrincipalName)
			x.ActorDisplayName = column(u.DisplayName)
		}
		if a := c.By.App; a != nil {
			x.ActorAppID, x.ActorAppDisplayName = column(a.AppID), column(a.DisplayName)
		}
		for _, t := range c.Targets {
			if id := column(t.ID); id != "" && !slices.Contains(x.TargetIDs, id) {
				x.TargetIDs = append(x.TargetIDs, id)
			}
		}
		for _, d := range c.Details {
			if d.Key == DetailPass {
				x.mark(MarkPassChange, d.Value)
			}
		}
		if c.Result == Failure {
			x.Marks = append(x.Marks, MarkFailedChange)
		}
	}
	return x
}

// column returns s as every store takes it: UTF-8 without NUL.
func column(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func lower(s string) string { return strings.ToLower(column(s)) }
