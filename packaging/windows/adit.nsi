; Installs Adit for the person who runs this: makensis /DVERSION=0.1.0 /DPROGRAM=adit.exe /DTHIRD_PARTY=third-party.txt adit.nsi
Unicode true
!include "MUI2.nsh"
Name "Adit"
OutFile "Adit-${VERSION}-setup.exe"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\Adit"
InstallDirRegKey HKCU "Software\Adit" "Folder"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Adit"

!insertmacro MUI_PAGE_LICENSE "..\..\LICENSE"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "Korean"

Section
  ; A running Adit would keep its file.
  nsExec::Exec '"$INSTDIR\adit.exe" quit'
  SetOutPath "$INSTDIR"
  File /oname=adit.exe "${PROGRAM}"
  File "..\..\LICENSE"
  File /oname=third-party.txt "${THIRD_PARTY}"
  CreateShortcut "$SMPROGRAMS\Adit.lnk" "$INSTDIR\adit.exe"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "Software\Adit" "Folder" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Adit"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
SectionEnd

Section "Uninstall"
  nsExec::Exec '"$INSTDIR\adit.exe" quit'
  nsExec::Exec '"$INSTDIR\adit.exe" autostart off'
  Delete "$INSTDIR\adit.exe"
  Delete "$INSTDIR\LICENSE"
  Delete "$INSTDIR\third-party.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Adit.lnk"
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "Software\Adit"
SectionEnd
