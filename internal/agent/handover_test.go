//go:build linux

package agent_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/graphclient"
)

// The administrator prepares a device for Mira, has a PIN there, and hands it over.
func TestThePINOfWhoPreparedADeviceIsGoneFromItAfterTheHandOver(t *testing.T) {
	w := newWorld(t)
	a, technician := w.withPIN()
	w.running(a)
	w.within("connected", 10*time.Second, func() bool { return a.Connected() })
	const mira = "mira@contoso.example"
	w.graph(http.MethodPost, "/v1.0/users", `{"accountEnabled":true,"displayName":"Mira","mailNickname":"mira","userPrincipalName":"`+mira+`",
		"passwordProfile":{"password":"kept only where policy has passwords"}}`, http.StatusCreated, nil)
	id := w.device(a).Identity().DeviceID
	w.graph(http.MethodPut, "/v1.0/postern/devices/(deviceId='"+id+"')/preparation", `{"userId":"`+mira+`"}`, http.StatusOK, nil)
	if _, err := a.Unlock(t.Context(), technician, firstPIN); err != nil {
		t.Fatalf("before the hand-over: %v", err)
	}
	var pass struct {
		Pass string `json:"temporaryAccessPass"`
	}
	w.graph(http.MethodPost, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods",
		`{"postern_purpose":"resetPin","postern_deviceId":"`+id+`"}`, http.StatusCreated, &pass)
	p, err := a.SignInWithPass(t.Context(), mira, graphclient.NewSecret(pass.Pass))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Welcome(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := a.SetPIN(t.Context(), p, secondPIN); err != nil {
		t.Fatal(err)
	}
	w.within("the technician's PIN is gone", time.Second+slack, func() bool { return w.device(a).PINState(technician) == device.PINNone })
	w.down.Store(true)
	if _, err := a.Unlock(t.Context(), technician, firstPIN); !errors.Is(err, container.ErrNoPIN) {
		t.Errorf("the technician, without a network: %v", err)
	}
	if out, err := a.Unlock(t.Context(), p.ID, secondPIN); err != nil || !out.Offline {
		t.Errorf("its owner, without a network: %+v %v", out, err)
	}
}
