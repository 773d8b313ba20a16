package agent

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows/registry"

	"github.com/postern-id/postern/internal/agent/policy"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// registryValues reads the values of the machine's owner; only administrators may write them.
func registryValues(tenant string) (map[string]devicepolicy.Value, []error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, RegistryKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fmt.Errorf("read the local policy in the registry: %w", err)}
	}
	defer key.Close()
	names, err := key.ReadValueNames(0)
	if err != nil {
		return nil, []error{fmt.Errorf("read the local policy in the registry: %w", err)}
	}
	all, wrong := map[string]devicepolicy.Value{}, []error(nil)
	for _, uri := range names {
		data, err := registryValue(key, uri)
		var v devicepolicy.Value
		if err == nil {
			v, err = fromRegistry(uri, tenant, data)
		}
		if err != nil {
			wrong = append(wrong, &policy.Wrong{URI: uri, Err: err})
			continue
		}
		all[uri] = v
	}
	return all, wrong
}

func registryValue(key registry.Key, name string) (any, error) {
	_, kind, err := key.GetValue(name, nil)
	if err != nil && !errors.Is(err, registry.ErrShortBuffer) {
		return nil, err
	}
	switch kind {
	case registry.DWORD, registry.QWORD:
		n, _, err := key.GetIntegerValue(name)
		return n, err
	case registry.MULTI_SZ:
		list, _, err := key.GetStringsValue(name)
		return list, err
	case registry.SZ, registry.EXPAND_SZ:
		text, _, err := key.GetStringValue(name)
		return text, err
	}
	return nil, fmt.Errorf("type %d of the registry is none of DWORD, QWORD, SZ, MULTI_SZ", kind)
}
