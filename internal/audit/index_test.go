package audit_test

import (
	"reflect"
	"testing"

	"github.com/postern-id/postern/internal/audit"
)

func TestIndex(t *testing.T) {
	byApp := change(contoso, 1)
	byApp.Change.By = audit.Actor{App: &audit.AppActor{AppID: "0ff1ce", DisplayName: "Sample"}}
	byApp.Change.Targets = append(byApp.Change.Targets, byApp.Change.Targets[0], audit.Target{}, audit.Target{ID: adam})
	erased, err := mustSeal(t, signIn(contoso, 1)).Erase(zoe)
	if err != nil {
		t.Fatal(err)
	}
	forgotten, err := audit.Open(erased)
	if err != nil {
		t.Fatal(err)
	}
	const correlation = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
	for _, c := range []struct {
		name  string
		event audit.Event
		want  audit.Index
	}{
		{"a sign-in", signIn(contoso, 1), audit.Index{
			UserID: zoe, UPN: "zoe@contoso.example", UserDisplayName: "Zoë Ω", AppID: "0ff1ce", AppDisplayName: "Sample",
			IPAddress: "192.0.2.7", ClientAppUsed: "Browser", ErrorCode: 130503, EventType: "interactiveUser",
			CorrelationID: correlation, Marks: []string{"signin/pass/9a55", "signin/method/temporary access pass", "signin/failed"},
		}},
		{"a change by a user", change(contoso, 1), audit.Index{
			Activity: "Admin registered security info", Category: "UserManagement", Service: "Authentication Methods",
			ActorUserID: adam, ActorUPN: "adam@contoso.example", ActorDisplayName: "Adam Helpdesk",
			TargetIDs: []string{zoe}, CorrelationID: correlation,
		}},
		{"a change by an application to several objects", byApp, audit.Index{
			Activity: "Admin registered security info", Category: "UserManagement", Service: "Authentication Methods",
			ActorAppID: "0ff1ce", ActorAppDisplayName: "Sample",
			TargetIDs: []string{zoe, adam}, CorrelationID: correlation,
		}},
		{"a sign-in of somebody who was erased", forgotten, audit.Index{
			UserID: zoe, UPN: audit.Erased, UserDisplayName: audit.Erased, AppID: "0ff1ce", AppDisplayName: "Sample",
			IPAddress: audit.Erased, ClientAppUsed: "Browser", ErrorCode: 130503, EventType: "interactiveUser",
			CorrelationID: correlation, Marks: []string{"signin/pass/9a55", "signin/method/temporary access pass", "signin/failed"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.event.Index(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("Index = %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestNamesThatMonitoringRulesCompareByteByByte(t *testing.T) {
	for got, want := range map[string]string{
		audit.AdminRegisteredSecurityInfo:   "Admin registered security info",
		audit.AdminDeletedSecurityInfo:      "Admin deleted security info",
		audit.UserRegisteredSecurityInfo:    "User registered security info",
		audit.UserDeletedSecurityInfo:       "User deleted security info",
		audit.MethodsPolicyUpdate:           "Authentication Methods Policy Update",
		audit.MethodsPolicyReset:            "Authentication Methods Policy Reset",
		audit.ReasonAdminRegisteredPass:     "Admin registered temporary access pass method for user",
		audit.ReasonAdminDeletedPass:        "Admin deleted temporary access pass method for user",
		audit.ReasonUserRegisteredPass:      "User registered temporary access pass method",
		audit.UpdateApplicationSecrets:      "Update application \u2013 Certificates and secrets management ",
		audit.RevokeSessions:                "Update StsRefreshTokenValidFrom Timestamp",
		audit.ServiceAuthenticationMethods:  "Authentication Methods",
		audit.CategoryApplicationManagement: "ApplicationManagement",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
