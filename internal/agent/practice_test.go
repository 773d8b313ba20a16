//go:build linux

package agent_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/pin"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/signin"
)

const mira = "mira@contoso.example"

// withMira is a device on which Mira has a PIN, and her object id.
func (w *world) withMira(change ...func(*agent.Options)) (*agent.Agent, string) {
	w.t.Helper()
	w.graph(http.MethodPost, "/v1.0/users", `{"accountEnabled":true,"displayName":"Mira Okafor","mailNickname":"mira","userPrincipalName":"`+mira+`","passwordProfile":{}}`, http.StatusCreated, nil)
	a := w.joined(change...)
	p := w.asMira(a)
	if err := a.SetPIN(w.t.Context(), p, firstPIN); err != nil {
		w.t.Fatal(err)
	}
	return a, p.ID
}

// asMira signs Mira in with a pass.
func (w *world) asMira(a *agent.Agent) websignin.Person {
	w.t.Helper()
	var got struct {
		Pass string `json:"temporaryAccessPass"`
	}
	w.graph(http.MethodPost, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":true}`, http.StatusCreated, &got)
	p, err := a.SignInWithPass(w.t.Context(), mira, secret(got.Pass))
	if err == nil {
		_, err = a.Welcome(w.t.Context(), p)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// chipOf is the TPM as the agent has it open.
func (w *world) chipOf(a *agent.Agent) *tpm.TPM {
	w.t.Helper()
	return w.device(a).PINs.Containers.(pin.TPM).Chip.(*tpm.TPM)
}

// drill asks Mira to practise at a lock screen, and returns its id and the practice pass.
func (w *world) drill() (id, pass string) {
	w.t.Helper()
	var user struct {
		ID string `json:"id"`
	}
	w.graph(http.MethodGet, "/v1.0/users/"+mira, "", http.StatusOK, &user)
	var got struct {
		ID   string `json:"id"`
		Pass string `json:"practicePass"`
	}
	w.graph(http.MethodPost, "/v1.0/postern/recovery/drills", `{"userId":"`+user.ID+`","where":"lockScreen"}`, http.StatusCreated, &got)
	return got.ID, got.Pass
}

type practiced struct {
	State, FailedStep string
	Steps             []struct{ Name, Result, Code string }
}

// step is the result of a step, with its code.
func (p practiced) step(name string) string {
	for _, one := range p.Steps {
		if one.Name == name {
			return strings.TrimSpace(one.Result + " " + one.Code)
		}
	}
	return ""
}

// practice is how the only practice of a drill stands.
func (w *world) practice(drill string) practiced {
	w.t.Helper()
	var got struct{ Value []practiced }
	w.graph(http.MethodGet, "/v1.0/postern/recovery/drills/"+drill+"/people", "", http.StatusOK, &got)
	if len(got.Value) != 1 {
		w.t.Fatalf("%d practices", len(got.Value))
	}
	return got.Value[0]
}

// held is what there is of PINs: on the disk, in the TPM and at the server.
func (w *world) held(c container.Container) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(w.state, "containers"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	all["TPM"] = w.chip.Holds()
	chip, err := tpm.Open(w.chip.Where())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = chip.Close() }()
	n, err := chip.Count(c.Counter)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := chip.Lockout()
	if err != nil {
		w.t.Fatal(err)
	}
	all["wrong PINs"], all["lockout"] = string(rune('0'+n)), string(rune('0'+l.Failed))
	var methods any
	w.graph(http.MethodGet, "/v1.0/users/"+mira+"/authentication/methods", "", http.StatusOK, &methods)
	all["methods"] = asJSON(w.t, methods)
	return all
}

func TestADrillProvesTheTPMByAKeyOnTrialAndLeavesNothing(t *testing.T) {
	w := newWorld(t)
	a, user := w.withMira()
	if _, err := a.Unlock(t.Context(), user, "000000"); !errors.Is(err, tpm.ErrWrongPIN) {
		t.Fatalf("a wrong PIN: %v", err)
	}
	c, err := w.device(a).PINs.Containers.Find(user)
	if err != nil {
		t.Fatal(err)
	}
	drill, pass := w.drill()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	before := w.held(c)
	a = w.open()
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = a.SignInWithPass(t.Context(), mira, secret(pass))
	ended, ok := errors.AsType[*agent.Practised](err)
	got := w.practice(drill)
	if !ok || got.step("key") != "passed" || got.step("pin") != "passed" {
		t.Fatalf("the practice ended in %v, and is %+v", err, got)
	}
	if ended.Worked != (got.State == "passed") || ended.Worked != errors.Is(err, signin.ErrPractised) {
		t.Errorf("the person is told %+v, and it is %+v", ended, got)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if after := w.held(c); !maps.Equal(before, after) {
		t.Errorf("there is\n%v\nand was\n%v", after, before)
	}
	a = w.open()
	if left, _, err := w.device(a).PINs.Containers.Left(c); err != nil || left != container.MaxWrong-1 {
		t.Errorf("%d tries are left: %v", left, err)
	}
	if _, err := a.Unlock(t.Context(), user, firstPIN); err != nil {
		t.Errorf("the PIN afterwards: %v", err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
