// Package gatewaytrust trusts the client certificates of API Gateway in a PEM file, and no other.
package gatewaytrust

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Config returns the configuration of a server that accepts only the certificates in trust.
func Config(certificate tls.Certificate, trust string) (*tls.Config, error) {
	text, err := os.ReadFile(trust)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", trust)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}, nil
}
