package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/agent/virtual"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graphclient"
)

// addDevicePolicy has the devices of the tenant offer web sign-in, device PINs and their reset.
func (s *Server) addDevicePolicy(ctx context.Context, tenant directory.TenantID) error {
	now := s.now()
	p := devicepolicy.Policy{
		Tenant: tenant, ID: uuid.NewString(), Name: "Laptops", Description: "Web sign-in, device PIN, and a new PIN for a forgotten one.",
		Settings: map[string]devicepolicy.Value{
			devicepolicy.EnableWebSignIn:    devicepolicy.IntValue(1),
			devicepolicy.UsePassportForWork: devicepolicy.BoolValue(true),
			devicepolicy.EnablePINRecovery:  devicepolicy.BoolValue(true),
			// The virtual devices may have no TPM, and are to work unplugged all the same.
			devicepolicy.SoftwareOffline: devicepolicy.BoolValue(true),
		},
		Assignments: []devicepolicy.Assignment{{Target: devicepolicy.AllDevices}}, CreatedAt: now, ModifiedAt: now,
	}
	return s.db.CreateDevicePolicy(ctx, p, devicepolicy.MaxPolicies, s.ownEvent(tenant, audit.Change{
		Activity: audit.AddPolicy, Category: audit.CategoryPolicy, Service: audit.ServicePostern, Operation: audit.OperationAdd,
		Targets: []audit.Target{{ID: p.ID, Type: audit.TargetPolicy, DisplayName: p.Name}},
	}))
}

// A lab is the virtual devices of `postern dev`.
type lab struct {
	devices []*virtual.Device
	stop    context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	failed error
}

// openLab opens the devices, in the data directory.
func (d DevServer) openLab(ctx context.Context) (*lab, error) {
	ca, err := os.ReadFile(CAFile(d.Options.Dir))
	if err != nil {
		return nil, err
	}
	l := &lab{stop: func() {}}
	for _, name := range DevDevices {
		one, err := virtual.Open(ctx, virtual.Options{
			Dir: filepath.Join(d.Options.Dir, "devices", name), Name: name, Server: d.Options.PublicURL, CA: ca,
			Owner: d.Created.Administrator, Pass: graphclient.NewSecret(d.Created.Pass), Log: d.Options.Log, Version: d.Version,
		})
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.devices = append(l.devices, one)
	}
	return l, nil
}

func (l *lab) urls() []string {
	all := []string{}
	for _, one := range l.devices {
		all = append(all, one.URL())
	}
	return all
}

func (l *lab) list() []DevDevice {
	var all []DevDevice
	for _, one := range l.devices {
		all = append(all, DevDevice{Name: one.Name(), Storage: one.Storage(), URL: one.URL(), Home: one.Home})
	}
	return all
}

// serve runs the devices until close, and calls ready once all have joined, or could not.
func (l *lab) serve(ctx context.Context, ready func(error)) {
	ctx, l.stop = context.WithCancel(ctx)
	var joining sync.WaitGroup
	for _, one := range l.devices {
		joining.Add(1)
		settled := sync.OnceFunc(joining.Done)
		l.running.Go(func() {
			defer settled()
			l.fail(one.Serve(ctx, func(err error) {
				l.fail(err)
				settled()
			}))
		})
	}
	l.running.Go(func() {
		joining.Wait()
		l.mu.Lock()
		err := l.failed
		l.mu.Unlock()
		if ctx.Err() == nil {
			ready(err)
		}
	})
}

func (l *lab) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = errors.Join(l.failed, err)
}

// close ends the devices. What went wrong with one was told by ready.
func (l *lab) close() error {
	l.stop()
	l.running.Wait()
	var err error
	for _, one := range l.devices {
		err = errors.Join(err, one.Close())
	}
	return err
}
