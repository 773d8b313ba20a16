package store_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/store"
)

// addListening adds an application that wants to be told of logouts.
func (f fixture) addListening(t testing.TB, tenant directory.TenantID, a directory.Application) directory.AppID {
	t.Helper()
	app := directory.AppID(uuid.NewString())
	f.exec(t, `INSERT INTO application (tenant_id, id, app_id, display_name, created_at, body) VALUES ($1, $2, $3, '', 0, $4)`,
		tenant, uuid.NewString(), app, asJSON(t, a))
	return app
}

// What ends with a device, or with the PIN on it, ends for the applications, too.
func TestApplicationsAreToldOfSessionsThatEndWithADeviceOrAPIN(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, p *prepared, c hello.Container) error{
		"the device is deleted": func(t *testing.T, p *prepared, _ hello.Container) error {
			return p.RemoveDevice(t.Context(), p.tenant, p.d.ID, nine, change(p.tenant))
		},
		"the device is switched off": func(t *testing.T, p *prepared, _ hello.Container) error {
			d, err := p.Device(t.Context(), p.tenant, p.d.ID)
			if err != nil {
				return err
			}
			d.AccountEnabled = false
			return p.UpdateDevice(t.Context(), d, nine, change(p.tenant))
		},
		"the device is handed over": func(t *testing.T, p *prepared, _ hello.Container) error { return p.signIn(t, p.mira) },
		"the PIN is removed": func(t *testing.T, p *prepared, c hello.Container) error {
			return p.RemoveContainer(t.Context(), c, nine, change(p.tenant))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, c store.Config) {
				p := newPrepared(t, c)
				portal := p.addListening(t, p.tenant, directory.Application{BackchannelLogoutURI: "https://portal.example/out"})
				orders := p.addListening(t, p.tenant, directory.Application{SAML: &directory.SAMLSettings{LogoutSOAP: "https://orders.example/out"}})
				deaf := p.addListening(t, p.tenant, directory.Application{})
				box := hello.Container{ID: uuid.NewString(), Tenant: p.tenant, Device: p.d.ID, User: p.theo, Method: uuid.NewString(), CreatedAt: nine}
				p.exec(t, `INSERT INTO pin_container (tenant_id, id, device_id, user_id, method_id, created_at, body) VALUES ($1, $2, $3, $4, $5, 0, '{}')`,
					p.tenant, box.ID, p.d.ID, p.theo, box.Method)
				here, elsewhere := p.addSession(t, p.tenant, p.theo, ""), p.addSession(t, p.tenant, p.theo, "")
				p.exec(t, `UPDATE session SET device_id = $1, method_id = $2 WHERE tenant_id = $3 AND id = $4`, p.d.ID, box.Method, p.tenant, here)
				for session, from := range map[string]struct {
					device directory.DeviceObjectID
					method string
				}{here: {p.d.ID, box.Method}, elsewhere: {}} {
					for _, app := range []directory.AppID{portal, orders, deaf} {
						p.exec(t, `
							INSERT INTO token_family (tenant_id, id, user_id, session_id, app_id, pass_id, created_at, expires_at, body, device_id, method_id)
							VALUES ($1, $2, $3, $4, $5, '', 0, 0, '{}', $6, $7)`, p.tenant, uuid.NewString(), p.theo, session, app, from.device, from.method)
						p.exec(t, `
							INSERT INTO saml_participant (tenant_id, session_id, app_id, user_id, name_id, format, expires_at)
							VALUES ($1, $2, $3, $4, 'theo', '', 0)`, p.tenant, session, app, p.theo)
					}
				}
				if err := end(t, p, box); err != nil {
					t.Fatal(err)
				}
				for what, app := range map[string]directory.AppID{"by OpenID Connect": portal, "by SAML": orders} {
					if n := number(t, p.DB, `SELECT COUNT(*) FROM logout_notice WHERE tenant_id = $1 AND session_id = $2 AND app_id = $3`, p.tenant, here, app); n != 1 {
						t.Errorf("the application %s is told %d times", what, n)
					}
				}
				if n := number(t, p.DB, `SELECT COUNT(*) FROM logout_notice WHERE tenant_id = $1`, p.tenant); n != 2 {
					t.Errorf("%d notices for two applications that listen", n)
				}
			})
		})
	}
}
