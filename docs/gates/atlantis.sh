#!/bin/sh
# A custom policy check of Atlantis. Atlantis reads what it prints: nothing is a failure, and so is `N failure` or FAIL at the
# beginning, so on success the word must not stand there, in a resource's name for instance. The exit code is 0 in both cases: a
# failure is then one that the owners of the policy may approve, while any other code is an error that nobody can.
tfcert check "$SHOWFILE" --config . > tfcert.txt 2>&1
code=$?
case $code in
  0)
    echo "tfcert: passed"
    sed 's/[Ff][Aa][Ii][Ll]/f-ail/g' tfcert.txt
    ;;
  1)
    echo "FAIL: tfcert has findings (1 failure)"
    cat tfcert.txt
    ;;
  3)
    echo "FAIL: tfcert could not check everything (1 failure)"
    cat tfcert.txt
    ;;
  *)
    echo "FAIL: tfcert could not run"
    cat tfcert.txt
    exit "$code"
    ;;
esac
